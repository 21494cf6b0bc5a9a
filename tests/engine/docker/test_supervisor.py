"""The supervisor of an execution as a shell runs it, where no sandbox is asked for."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nexusctl.engine.docker.executions.supervisor import SUPERVISOR

# It ends though nobody reads, as two pipes hold it, and one does not.
MORE_THAN_A_PIPE_HOLDS = "head -c 110000 /dev/zero"

SLEEP = """#!/bin/sh
echo "$1" >>{log}
"""


@pytest.fixture(params=["dash", "bash"])
def shell(request: pytest.FixtureRequest) -> str:
    found = shutil.which(str(request.param))
    if found is None:
        pytest.skip(f"there is no {request.param}")
    return found


def test_while_somebody_reads_slowly_it_looks_ever_more_seldom_and_not_when_nothing_is_kept(
    shell: str, tmp_path: Path
) -> None:
    log, tools = tmp_path / "log", tmp_path / "tools"
    tools.mkdir()
    (tools / "sleep").write_text(SLEEP.format(log=log))
    (tools / "sleep").chmod(0o755)
    words = [shell, "-c", SUPERVISOR, "nexusctl", str(tmp_path / "kept"), "exec_1", "{}", "watched"]
    env = {"PATH": f"{tools}:/usr/bin:/bin"}
    with subprocess.Popen(
        [*words, "sh", "-c", MORE_THAN_A_PIPE_HOLDS], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=env
    ) as process:
        assert process.stdout is not None
        try:
            _await(lambda: log.exists() and len(log.read_text().split()) >= 5)
            at_work = _children(process.pid)
            shutil.rmtree(tmp_path / "kept")
            _await(lambda: at_work - _children(process.pid))
        finally:
            whole = process.stdout.read()
        assert process.wait() == 0
    assert whole == bytes(110000)
    paused = log.read_text().split()
    assert paused[:5] == ["0.5", "1", "2", "4", "8"]


def _children(pid: int) -> set[str]:
    """Those of its children that still do something."""
    words = ["ps", "-o", "pid=,stat=", "--ppid", str(pid)]
    rows = subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines()
    return {row.split()[0] for row in rows if "Z" not in row.split()[1]}


def _await(done: Callable[[], object]) -> None:
    until = time.monotonic() + 240
    while not done():
        assert time.monotonic() < until
        time.sleep(0.05)
