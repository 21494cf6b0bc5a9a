"""An engine that cannot be reached: every command names where it was looked for and why it failed, and ends in time."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Endpoint, Wire
from nexusctl.engine.docker.client.connection_errors import describe_failure
from nexusctl.errors import EngineUnreachable

COMMANDS = [
    "plan",
    "apply --yes",
    "status",
    "status --stack x",
    "logs",
    "exec web true",
    "drift",
    "destroy --yes",
    "output",
    "unlock",
    "lock",
    "import stack x --stdout",
    "import container x --stdout",
    "engine status",
    "engine start",
    "doctor",
]
PATIENCE = 240
"""Seconds; a time limit that is kept is far below."""


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of somebody who lets one connect, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A socket that this user may not open; root may open everything, but for the ability that `run_as_user` drops."""
    path = tmp_path / "closed.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        path.chmod(0)
        yield path


def nexusctl(host: str, words: str, folder: Path, *before: str) -> subprocess.CompletedProcess[str]:
    (folder / "nexus.yaml").write_text(
        "name: x\nsandboxes: {web: {image: i, ports: [80]}}\noutputs: {a: '${sandbox.web.host}'}\n"
    )
    return subprocess.run(
        [*before, sys.executable, "-m", "nexusctl", *words.split()],
        cwd=folder,
        env={**os.environ, "DOCKER_HOST": host, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("words", COMMANDS)
def test_whoever_may_not_open_the_socket_hears_what_to_do(words: str, closed: Path, tmp_path: Path) -> None:
    drop = ["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
    before = ["setpriv", *drop] if os.geteuid() == 0 else []
    done = nexusctl(f"unix://{closed}", words, tmp_path, *before)
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert str(closed) in said
    assert "this user may not open" in said
    for way in ("usermod -aG docker", "sudo", "rootless"):
        assert way in said


@pytest.mark.parametrize("words", ["status --stack x", "apply --yes", "engine status"])
@pytest.mark.parametrize(("scheme", "reason"), [("tcp", "no answer came within 10 s"), ("ssh", "timed out")])
def test_one_who_never_answers_is_given_up(scheme: str, reason: str, words: str, silent: str, tmp_path: Path) -> None:
    done = nexusctl(f"{scheme}://{silent}", words, tmp_path)
    assert done.returncode == 1
    assert silent.partition(":")[2] in done.stderr
    assert reason in done.stderr
    assert "see whether an engine runs there" in done.stderr


@pytest.mark.parametrize(("scheme", "reason"), [("tcp", "nothing listens there"), ("ssh", "Connection refused")])
def test_where_nobody_listens_the_reason_is_that(scheme: str, reason: str, tmp_path: Path) -> None:
    done = nexusctl(f"{scheme}://127.0.0.1:1", "status", tmp_path)
    assert done.returncode == 1
    assert f"the engine at {scheme}://127.0.0.1:1 (named by DOCKER_HOST) does not answer" in done.stderr
    assert reason in done.stderr


def test_a_name_that_nobody_knows_and_a_way_that_there_is_not_are_told_in_words() -> None:
    assert describe_failure(socket.gaierror(-2, "Name or service not known")) == "there is no host of that name"
    assert describe_failure(OSError(113, "No route to host")) == "no route to host"


def install_ssh(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """What this process and its children take for ssh."""
    ssh = folder / "ssh"
    ssh.write_text(script)
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_what_the_other_side_of_ssh_says_is_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_ssh(tmp_path, monkeypatch, "#!/bin/sh\necho welcome >&2\necho 'sh: docker: not found' >&2\nexit 127\n")
    with pytest.raises(EngineUnreachable, match="does not answer: sh: docker: not found"):
        Wire(Endpoint(url="ssh://far", source="a test"), timeout=20.0).get("/_ping")


def test_a_machine_without_ssh_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineUnreachable, match="ssh is not installed"):
        Wire(Endpoint(url="ssh://far", source="a test")).get("/_ping")
