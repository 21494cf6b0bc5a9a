"""Run a command inside a running container to its end: startup scripts, probes, package managers."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from threading import Event, Timer
from typing import Any

from nexusctl.engine.base import Outcome
from nexusctl.engine.docker.frames import split_frames
from nexusctl.engine.docker.wire import FOREVER, Answer, Wire
from nexusctl.errors import EngineError

ROOT = "0:0"
"""Whom a command runs as that has to reach everything."""

TIMED_OUT = 124
"""The exit code of a command that was killed because its time was over, as coreutils' `timeout` has it."""

KEPT_OUTPUT = 16 * 1024 * 1024
"""Bytes of output that are kept: the last ones count."""

MARK = "NEXUSCTL_EXEC"
"""The environment variable by which the processes of one exec are found again, to end them."""


def run(
    wire: Wire,
    container_id: str,
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    working_dir: str | None = None,
    on_output: Callable[[bytes], None] | None = None,
    timeout: float | None = None,
    stdin: bytes | None = None,
) -> Outcome:
    """Run `command` and wait for its end; `on_output` gets each piece of stdout and stderr as it comes.

    All of `stdin` is sent before any output is read: it is for commands that say little while they read.

    After `timeout` seconds what it started is killed and the exit code is 124. A command that the image does not
    have gives 126 or 127, as in a shell. Raises `NotFound` and `Conflict` for a container that is absent or does
    not run, `EngineUnreachable` where the stream breaks.
    """
    mark = uuid.uuid4().hex
    marked = {**(env or {}), MARK: mark}
    exec_id = create_exec(wire, container_id, command, env=marked, user=user, cwd=working_dir, stdin=stdin is not None)
    output = bytearray()
    timed_out = Event()
    headers = {"Connection": "Upgrade", "Upgrade": "tcp"} if stdin is not None else {}
    start = b'{"Detach":false,"Tty":false}'
    with wire.open("POST", f"/exec/{exec_id}/start", data=start, headers=headers, timeout=FOREVER) as answer:

        def end() -> None:
            # Few commands have to be ended.
            from nexusctl.engine.docker.processes import signal_marked  # noqa: PLC0415

            timed_out.set()
            try:
                signal_marked(wire, container_id, mark, user, exec_id=exec_id)
            finally:
                answer.cut()

        timer = _arm(timeout, end)
        try:
            if stdin is not None:
                _feed(answer, stdin)
            for chunk in split_frames(answer.read):
                output += chunk.data
                del output[:-KEPT_OUTPUT]
                if on_output:
                    on_output(chunk.data)
        except EngineError:
            if not timed_out.is_set():
                raise
        finally:
            timer.cancel()
    exit_code = TIMED_OUT if timed_out.is_set() else wait_for_exit_code(wire, exec_id)
    return Outcome(exit_code=exit_code, output=output.decode(errors="replace"))


def _feed(answer: Answer, data: bytes) -> None:
    # A command that ends before it has read all of its input says why with its exit code.
    with contextlib.suppress(OSError):
        answer.send(data)
        answer.send_end()


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


def wait_for_exit_code(wire: Wire, exec_id: str, *, patience: float = 10.0) -> int:
    """The exit code of an exec whose output has ended; the engine may note it a moment after that."""
    deadline = time.monotonic() + patience
    while True:
        found = wire.get(f"/exec/{exec_id}/json")
        if found["ExitCode"] is not None and not found["Running"]:
            return int(found["ExitCode"])
        if time.monotonic() > deadline:
            raise EngineError(f"the engine does not say how the command ended (exec {exec_id[:12]})")
        time.sleep(0.01)


def _arm(timeout: float | None, end: Callable[[], None]) -> Timer:
    """A timer that calls `end` after `timeout` seconds; one that never starts for None."""
    timer = Timer(timeout or 0.0, end)
    timer.daemon = True
    if timeout is not None:
        timer.start()
    return timer
