"""Variables without quotes get the value that Compose gives them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from nexusctl.importers.compose.texts.yaml11_scalars import write_plain
from tests.faults.compose import Compose

PLAIN = [
    "0.50", "0755", "0x1F", "1e3", "08", "1_000", "1e21", "1e20", "1.0", "0.00001", "0.0001", "-5", "+5", ".5", "5.",
    "0o17", "0b11", "12345678901234567890123", "123456789.123456789", "2024-01-01", "2024-1-1", "True", "Yes", "1:30",
    "0", "-0.0", "1__0", "3.10", "1.5e-7", "007", "09.5", "1e+3", "+1.5", "18446744073709551615", "1000000.0",
    "999999.5", "text", "1.2.3", "0777_1",
]  # fmt: skip


@pytest.mark.skipif(bool(Compose().find_problem()), reason="docker compose is not installed")
def test_a_value_without_quotes_is_what_compose_makes_of_it(tmp_path: Path) -> None:
    lines = "".join(f"      V{number}: {text}\n" for number, text in enumerate(PLAIN))
    (tmp_path / "compose.yaml").write_text(f"name: x\nservices:\n  a:\n    image: x\n    environment:\n{lines}")
    command = ["docker", "compose", "--file", str(tmp_path / "compose.yaml"), "config", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    environment = json.loads(done.stdout)["services"]["a"]["environment"]
    assert {text: write_plain(text) for text in PLAIN} == {
        text: environment[f"V{number}"] for number, text in enumerate(PLAIN)
    }
