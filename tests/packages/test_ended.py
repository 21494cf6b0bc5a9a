"""Pulls and the tool that makes a Debian are ended when somebody asks for it, whatever they wait for."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.images.debootstrap import import_suite
from nexusctl.engine.docker.images.images import pull_image
from nexusctl.errors import NexusError
from nexusctl.run.interrupt import Interrupt

pytestmark = pytest.mark.engine

PATIENCE = 240


def end_when(ready: Callable[[], bool], work: Callable[[Interrupt], object]) -> list[object]:
    """Begin `work`, ask for its end when `ready`, and return what came of it; a hang is a failure."""
    interrupt, came = Interrupt(), []

    def run() -> None:
        try:
            came.append(work(interrupt))
        except NexusError as error:
            came.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < deadline
        assert thread.is_alive(), came
        time.sleep(0.02)
    interrupt.request()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    return came


def test_a_pull_from_a_registry_that_never_answers(wire: Wire) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(0.02)
        callers: list[socket.socket] = []

        def called() -> bool:
            try:
                callers.append(silent.accept()[0])
            except TimeoutError:
                return bool(callers)
            return True

        reference = f"127.0.0.1:{silent.getsockname()[1]}/team/image:1"
        came = end_when(called, lambda interrupt: pull_image(wire, reference, print, cancel=interrupt))
        for caller in callers:
            caller.close()
    assert isinstance(came[0], NexusError)


def test_the_tool_that_makes_a_debian(wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool, pid = tmp_path / "mmdebstrap", tmp_path / "pid"
    tool.write_text(f"#!/bin/sh\necho $$ > {pid}\necho 'I: at work' >&2\nexec sleep 600\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    told: list[str] = []
    came = end_when(
        lambda: "bootstrapping from Debian packages: trixie\nI: at work" in told,
        lambda interrupt: import_suite(wire, "trixie", (), (), told.append, interrupt),
    )
    assert isinstance(came[0], NexusError)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_what_begins_after_the_end_does_not_begin(wire: Wire) -> None:
    interrupt = Interrupt()
    interrupt.request()
    with pytest.raises(NexusError):
        pull_image(wire, "127.0.0.1:9/team/image:1", print, cancel=interrupt)
