"""The calls of an exec: it is prepared, its output ends, and its exit code is known."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event, Timer
from typing import Any

from nexusctl.engine.docker.client.answer import Answer
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.client.silence import TOLD_AFTER
from nexusctl.errors import EngineError, NotFound
from nexusctl.model.observed import notice

MARK = "NEXUSCTL_EXEC"
"""The environment variable by which the processes of one exec are found again, to end them."""

SHELLS = (("/bin/sh",), ("sh",), ("bash",), ("/busybox/sh",), ("busybox", "sh"), ("zsh",))
"""Where an image keeps one; the usual place first."""

EXIT_PATIENCE = 10.0
"""Seconds within which the engine knows how a command has ended that says nothing any more."""

CHUNK = 64 * 1024
"""Bytes that are read at once."""


def create_exec(
    wire: Wire,
    container_id: str,
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    user: str | None,
    cwd: str | None,
    stdin: bool = False,
    tty: bool = False,
) -> str:
    """Prepare an exec, not started yet; returns its id."""
    body: dict[str, Any] = {
        "AttachStdin": stdin,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": tty,
        "Cmd": list(command),
        "Env": [f"{name}={value}" for name, value in env.items()],
    }
    if user is not None:
        body["User"] = user
    if cwd is not None:
        body["WorkingDir"] = cwd
    return str(wire.post(f"/containers/{container_id}/exec", body)["Id"])


def drain(answer: Answer, seconds: float) -> bool:
    """Wait for the end of `answer`, at most so long, and tell whether it came; what it says counts for nothing.

    Raises `EngineError`.
    """
    late = Event()

    def give_up() -> None:
        late.set()
        answer.cut()

    timer = start_timer(seconds, give_up)
    try:
        while answer.read_some(CHUNK):
            pass
    finally:
        timer.cancel()
    return not late.is_set()


def wait_for_exit_code(wire: Wire, exec_id: str) -> int:
    """The exit code of an exec whose output has ended; the engine may note it a moment after that."""
    deadline = time.monotonic() + EXIT_PATIENCE
    while True:
        found = wire.get(f"/exec/{exec_id}/json")
        if found["ExitCode"] is not None and not found["Running"]:
            return int(found["ExitCode"])
        if time.monotonic() > deadline:
            raise EngineError(f"the engine does not say how the command ended (exec {exec_id[:12]})")
        time.sleep(0.01)


@contextmanager
def told_unless_begun(wire: Wire, exec_id: str) -> Iterator[None]:
    """While inside, say so after a while where the engine has accepted an exec and does not begin it.

    Nothing comes of it then, as of a command that has nothing to say: only the engine knows which of both it is.
    """
    over = Event()

    def look() -> None:
        try:
            found = wire.uncut.call("GET", f"/exec/{exec_id}/json", timeout=TOLD_AFTER)
            begun = bool(found["Pid"]) or found["ExitCode"] is not None
        except NotFound:
            return
        except EngineError:
            begun = False
        if not begun and not over.is_set():
            notice.say(
                f"The engine at {wire.endpoint.url} has accepted a command and not begun it for {TOLD_AFTER:g} s."
                " Ctrl-C leaves; `nexusctl doctor` says what is wrong with it."
            )

    timer = start_timer(TOLD_AFTER, look)
    try:
        yield
    finally:
        over.set()
        timer.cancel()


def start_timer(timeout: float | None, end: Callable[[], None]) -> Timer:
    """A timer that calls `end` after `timeout` seconds; one that never starts for None."""
    timer = Timer(timeout or 0.0, end)
    timer.daemon = True
    if timeout is not None:
        timer.start()
    return timer
