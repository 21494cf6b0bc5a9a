"""Documents that follow the schema, or nearly, drawn by Hypothesis for a given time.

`python -m tests.fuzz.grammar SECONDS`
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from nexusctl.config.templates import builtin as template_found
from tests.config.documents import some_value
from tests.config.test_any_file import HERE, answer

EXAMPLES = 200

PIECES = (
    "${var.a}",
    "${env.HOME}",
    "${",
    "$${",
    "${sandbox.a.host}",
    "${secret.x}",
    "${each.key}",
    "${file:./motd.txt}",
)
QUIET = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def main(seconds: float) -> int:
    """Returns how many documents were answered; raises what was no answer."""
    template_found.FOLDER = HERE / "templates"
    end, rounds = time.monotonic() + seconds, 0
    with tempfile.TemporaryDirectory(prefix="nexusctl-fuzz-") as folder:
        path = Path(folder) / "nexus.yaml"
        while time.monotonic() < end:
            _round(path, rounds)
            rounds += 1
    return rounds * EXAMPLES


def _round(path: Path, number: int) -> None:
    @seed(number)
    @QUIET
    @given(some_value({"$ref": "stack.schema.json"}), st.data())
    def hold(document: Any, data: st.DataObject) -> None:
        path.write_text(json.dumps(_refer(document, data)), encoding="utf-8")
        answer(path)

    hold()


def _refer(value: Any, data: st.DataObject) -> Any:
    """`value` with references in some of its texts and in the place of some of its parts."""
    if isinstance(value, dict):
        return {key: _refer(item, data) for key, item in value.items()}
    if isinstance(value, list):
        return [_refer(item, data) for item in value]
    chance = data.draw(st.integers(0, 9))
    if chance == 0:
        return data.draw(st.sampled_from(PIECES))
    return f"{value}{data.draw(st.sampled_from(PIECES))}" if chance == 1 and isinstance(value, str) else value


if __name__ == "__main__":
    print(f"{main(float(sys.argv[1]))} documents, each a stack or its problems told")
