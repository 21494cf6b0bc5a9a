"""An engine that goes away while somebody reads from it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from nexusctl.engine.docker.host.machine_facts import DAEMON_PATH, read_listener
from tests.daemon.kills import second_engine
from tests.daemon.yard import Yard

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="starting a daemon takes root"),
    pytest.mark.skipif(not shutil.which("dockerd", path=DAEMON_PATH), reason="dockerd is not installed"),
]

STACK = """
name: yard
sandboxes:
  web: {image: IMAGE, networks: [], command: [sh, -c, "echo here; exec sleep infinity"]}
  brief: {image: IMAGE, networks: [], kind: task, command: [sh, -c, "echo here"]}
"""


@pytest.fixture
def yard() -> Iterator[Yard]:
    with second_engine() as found:
        made = Yard(*found)
        made.write(STACK)
        made.succeed("apply", "--yes")
        yield made


def stop(yard: Yard) -> None:
    yard.place.stop()


def kill(yard: Yard) -> None:
    os.kill(read_listener(str(yard.place.socket)), signal.SIGKILL)


def follow_to_the_end(yard: Yard, verb: str, go: Callable[[Yard], None]) -> tuple[str, str]:
    """The first line of what `verb` follows, and what it says when the engine is gone behind that line."""
    with subprocess.Popen(
        [sys.executable, "-m", "nexusctl", verb, "web", "--follow"],
        cwd=yard.folder,
        env={**os.environ, "DOCKER_HOST": yard.place.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout
        first = reader.stdout.readline()
        go(yard)
        _, said = reader.communicate(timeout=120)
    assert reader.returncode == 1, said
    return first, said


@pytest.mark.parametrize("go", [stop, kill])
def test_a_log_that_is_followed_ends_with_an_error_and_words(yard: Yard, go: Callable[[Yard], None]) -> None:
    assert yard.nexusctl("logs", "brief", "--follow").returncode == 0
    first, said = follow_to_the_end(yard, "logs", go)
    assert first == "here\n"
    assert "error: the log of web ends here: the engine at" in said


@pytest.mark.parametrize("go", [stop, kill])
def test_events_that_are_followed_end_with_an_error_and_words(yard: Yard, go: Callable[[Yard], None]) -> None:
    first, said = follow_to_the_end(yard, "events", go)
    assert " web created" in first
    assert "error: the events of stack yard end here: the engine at" in said
