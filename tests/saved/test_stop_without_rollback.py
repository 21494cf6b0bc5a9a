"""Ctrl-C after a failure: the user wants to stop, not a second run."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests.e2e.case import TIMEOUT, Case

pytestmark = pytest.mark.engine

STACK = """
name: STACK
sandboxes:
  broken: {image: IMAGE, command: [sleep, infinity], startup: exit 3}
  slow: {image: IMAGE, command: [sleep, infinity], health: {command: "false", interval: 1s, retries: 200}}
"""


@pytest.fixture
def case(tmp_path: Path, wire: Wire, base_image: str, stack_name: str) -> Iterator[Case]:
    (tmp_path / "nexus.yaml").write_text(STACK.replace("STACK", stack_name).replace("IMAGE", base_image))
    made = Case(folder=tmp_path, stack=stack_name, wire=wire)
    yield made
    made.close()


def test_a_stopped_run_is_not_rolled_back(case: Case) -> None:
    command = [sys.executable, "-m", "nexusctl", "apply", "--yes", "--on-failure", "rollback"]
    with subprocess.Popen(
        command, cwd=case.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr
        seen: set[str] = set()
        while not seen >= {"broken: failed", "slow: waiting for health"}:
            line = process.stderr.readline()
            assert line, f"it ended after {seen}"
            seen.add(line.strip())
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1
    assert "Rolling back" not in out
    left = case.nexusctl(["status"]).stdout
    assert "slow" in left
    assert "absent" not in left
