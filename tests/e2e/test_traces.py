"""No command keeps anything on this machine, so that its second run is no quicker than its first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.engine

PLACES = ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "TMPDIR")


def test_commands_leave_no_file_on_this_machine(base_image: str, stack_name: str, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    file = folder / "nexus.yaml"
    file.write_text(f"name: {stack_name}\nsandboxes: {{a: {{image: '{base_image}', command: [sleep, infinity]}}}}\n")
    places = {name: str(tmp_path / name) for name in PLACES}
    for place in places.values():
        Path(place).mkdir()
    environ = {**os.environ, **places, "PYTHONDONTWRITEBYTECODE": "1"}
    commands = [["apply", "--yes"], ["plan"], ["plan", "--deep"], ["status"], ["drift"], ["destroy", "--yes"]]
    try:
        for command in commands:
            argv = [sys.executable, "-m", "nexusctl", *command, "-f", str(file)]
            done = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=300, check=False)
            assert done.returncode == 0, f"{command}: {done.stderr}"
    finally:
        argv = [sys.executable, "-m", "nexusctl", "destroy", "--yes", "-f", str(file)]
        subprocess.run(argv, capture_output=True, timeout=300, check=False)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]
