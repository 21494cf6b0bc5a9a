"""An engine behind ssh, with a program in the place of ssh: none of its processes outlives the call that it was for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Endpoint, Wire
from nexusctl.errors import EngineUnreachable


def put_ssh(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """A program called ssh; returns the file that it writes its process ids to."""
    pids = folder / "pids"
    program = folder / "ssh"
    program.write_text(f'#!/bin/sh\necho $$ >> "{pids}"\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return pids


def is_running(pid: str) -> bool:
    return subprocess.run(["ps", "-p", pid], capture_output=True, check=False).returncode == 0


def test_a_network_that_says_nothing_is_given_up_and_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = put_ssh(tmp_path, monkeypatch, "exec sleep 1000")
    wire = Wire(Endpoint(url="ssh://far.example", source="test"), timeout=5)
    with pytest.raises(EngineUnreachable, match=r"far\.example"):
        wire.get("/version")
    (pid,) = pids.read_text().split()
    assert not is_running(pid)


@pytest.mark.engine
def test_an_engine_answers_through_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wire: Wire) -> None:
    asked = "-T -o ConnectTimeout=10 -p 2222 -- dev@far.example docker system dial-stdio"
    script = f'test "$*" = "{asked}" || exit 9\nexec docker -H {wire.endpoint.url} system dial-stdio'
    pids = put_ssh(tmp_path, monkeypatch, script)
    far = Wire(Endpoint(url="ssh://dev@far.example:2222", source="test"))
    assert far.get("/info")["ID"] == wire.get("/info")["ID"]
    assert len(list(far.get("/images/json"))) > 0
    assert not any(map(is_running, pids.read_text().split()))
