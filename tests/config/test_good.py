"""What a right file means: every folder in `good/` is a stack file and all that comes out of it.

`NEXUS_UPDATE_GOLDEN=1 pytest tests/config` writes the meanings anew; read the difference before you keep it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from nexusctl.config.load import load
from nexusctl.config.templates import builtin as template_found
from nexusctl.model.record import plain
from tests.config.folder import read_inputs

HERE = Path(__file__).parent
CASES = sorted(folder.name for folder in (HERE / "good").iterdir() if folder.is_dir())


@pytest.mark.parametrize("case", CASES)
def test_each_file_means_this(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = HERE / "good" / case
    monkeypatch.setattr(template_found, "FOLDER", HERE / "templates")
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)  # a checkout's own bits depend on the umask
    stack = plain(load(read_inputs(folder)))
    for used in stack.get("templates", {}).values():
        used.get("recipe", {}).pop("digest", None)
    meant = json.dumps(stack, indent=1, ensure_ascii=False).replace(str(folder), "HERE") + "\n"
    expected = folder / "expected.json"
    if os.environ.get("NEXUS_UPDATE_GOLDEN"):
        expected.write_text(meant, encoding="utf-8")
    assert meant == expected.read_text(encoding="utf-8")
