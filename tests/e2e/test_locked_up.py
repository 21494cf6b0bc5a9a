"""An engine that has locked itself up: it says that it is there, and never answers what needs its locks.

The proxy before the real engine holds back what such a one does not answer: Docker 20.10 was seen to hang so when a
container left a network while another looked for names there.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.client.silence import TOLD_AFTER
from tests.faults.proxy import Proxy
from tests.load import allow
from tests.mcp.client import Answer, Caller, play

pytestmark = pytest.mark.engine

NEXUSCTL = [sys.executable, "-m", "nexusctl"]
PATIENCE = 240
"""Seconds to wait for what has to come; only a hang meets it."""

NETWORKS = r"GET [^ ]*/networks[? ]"
LISTS = r"GET [^ ]*/(networks|containers/json)[? ]"
CONTAINER = r"(GET|POST|DELETE) [^ ]*/containers/(create|[0-9a-f]{12,})"
CHANGES = r"(POST|DELETE) [^ ]*/(containers|networks)/"
REMEDY = "systemctl restart docker"

VERBS = (
    "status", "plan", "apply --yes", "destroy --yes", "logs a", "ls", "unlock --yes", "drift", "stop a",
    "wait a --for stopped",
)  # fmt: skip
LOCKING = ("apply --yes", "stop a")
"""Those that would wait for each other."""


@pytest.fixture
def proxy(wire: Wire, tmp_path: Path) -> Iterator[Proxy]:
    with Proxy(tmp_path / "engine.sock", wire.endpoint.url.removeprefix("unix://")) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path, stack_name: str, base_image: str) -> Iterator[Path]:
    """A stack of one sandbox, applied."""
    place = tmp_path / "stack"
    place.mkdir()
    text = f"name: {stack_name}\nsandboxes:\n  a:\n    image: {base_image}\n    command: [sleep, infinity]\n"
    (place / "nexus.yaml").write_text(text)
    subprocess.run([*NEXUSCTL, "apply", "--yes"], cwd=place, check=True, capture_output=True)
    yield place
    subprocess.run([*NEXUSCTL, "destroy", "--yes", "--stack", stack_name], capture_output=True, check=False)


def start(folder: Path, proxy: Proxy, words: str, **more: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "DOCKER_HOST": f"unix://{proxy.path}", **more}
    return subprocess.Popen(
        [*NEXUSCTL, *words.split()], cwd=folder, env=environ, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def hold(proxy: Proxy, pattern: str) -> None:
    proxy.holds = lambda request: re.match(pattern, request) is not None


@pytest.mark.parametrize(
    ("pattern", "verbs", "call"),
    [
        pytest.param(NETWORKS, VERBS, "GET /networks", id="its networks"),
        pytest.param(
            CONTAINER, ("status", "drift", "plan --deep", "logs a", "exec a true", "top a"), "/containers/", id="one"
        ),
        pytest.param(CHANGES, ("apply --replace a --yes", "stop a"), "POST /containers/", id="changes"),
    ],
)
def test_every_verb_ends_and_says_what_the_engine_has_left_unanswered(
    pattern: str, verbs: tuple[str, ...], call: str, folder: Path, proxy: Proxy
) -> None:
    hold(proxy, pattern)
    # What the engine does answer may take its time on a busy machine.
    patience = f"{allow(1):g}"
    at_once = {
        words: start(folder, proxy, words, DOCKER_CLIENT_TIMEOUT=patience) for words in verbs if words not in LOCKING
    }
    for words in verbs:
        process = at_once.get(words) or start(folder, proxy, words, DOCKER_CLIENT_TIMEOUT=patience)
        _, said = process.communicate(timeout=PATIENCE)
        assert f"the engine at unix://{proxy.path} is there, but has not answered" in said, words
        assert call in said, words
        assert REMEDY in said, words


def test_who_waits_is_told_for_what_and_how_to_leave(folder: Path, proxy: Proxy) -> None:
    hold(proxy, NETWORKS)
    waiting = {words: start(folder, proxy, words) for words in VERBS if words not in LOCKING}
    for words, process in waiting.items():
        assert process.stderr is not None
        line = process.stderr.readline()
        assert f"has not answered GET /networks for {TOLD_AFTER:g} s" in line, words
        assert "Ctrl-C leaves" in line, words
        assert "nexusctl doctor" in line, words
    for words, process in waiting.items():
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 130, words


@pytest.mark.parametrize("held", ["GET [^ ]*/exec/", "nothing"], ids=["silent", "answering"])
def test_who_waits_for_a_command_that_was_accepted_and_never_begun_is_told_so(
    held: str, folder: Path, proxy: Proxy
) -> None:
    hold(proxy, held)
    proxy.accepts = lambda request: re.match("POST [^ ]*/exec/[^ ]*/start", request) is not None
    process = start(folder, proxy, "exec a true")
    assert process.stderr is not None
    line = process.stderr.readline()
    assert "has accepted a command and not begun it for 10 s" in line
    assert "Ctrl-C leaves" in line
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.5)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130


def test_an_agent_is_told_too(folder: Path, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(proxy, LISTS)
    answers: list[Answer] = []

    async def scene(call: Caller) -> None:
        answers.append(await call("sandbox_list"))
        answers.append(await call("sandbox_execute", sandbox_id="a", code="true"))
        answers.append(await call("sandbox_logs", sandbox_id="a"))
        answers.append(await call("sandbox_upload", sandbox_id="a", file_path="/x", content="x"))

    # Not longer than that, or the stack would be destroyed by a way that is closed then.
    with monkeypatch.context() as patched:
        patched.setenv("DOCKER_HOST", f"unix://{proxy.path}")
        patched.setenv("DOCKER_CLIENT_TIMEOUT", f"{allow(1):g}")
        play(folder, scene)
    for answer in answers:
        assert answer.is_error
        assert re.search("has not answered GET /(networks|containers/json)", answer.text)
        assert REMEDY in answer.text


@pytest.mark.parametrize(
    ("pattern", "name", "finding"),
    [
        pytest.param(NETWORKS, "engine", "GET /networks", id="its networks"),
        pytest.param(r"GET [^ ]*/containers/json", "engine", "GET /containers/json", id="its list"),
        pytest.param(r"GET [^ ]*/containers/[0-9a-f]{12,}/json", "containers", "has told nothing of", id="one"),
    ],
)
def test_the_doctor_knows_it(pattern: str, name: str, finding: str, folder: Path, proxy: Proxy) -> None:
    hold(proxy, pattern)
    process = start(folder, proxy, "doctor")
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    line, advice, *_ = said[said.index(f"problem  {name}") :].splitlines()
    assert finding in line
    assert REMEDY in advice


def test_an_engine_that_answers_again_is_waited_for_as_long_as_before(proxy: Proxy, wire: Wire) -> None:
    patience = allow(1)
    far = Wire(wire.endpoint.__class__(url=f"unix://{proxy.path}", source="test", version="1.41"), timeout=patience)
    hold(proxy, NETWORKS)
    with pytest.raises(Exception, match=f"has not answered GET /networks for {patience:g} s"):
        far.get("/networks")
    proxy.holds = lambda _: False
    assert far.get("/networks")
