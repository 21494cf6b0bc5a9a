"""Run a command inside a running container to its end: startup scripts, probes, package managers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from threading import Event, Thread

from nexusctl.engine.cancel import CANCELLED, NEVER, Cancel
from nexusctl.engine.command import Outcome
from nexusctl.engine.docker.client.answer import Answer
from nexusctl.engine.docker.client.client import FOREVER, Wire
from nexusctl.engine.docker.client.frames import split_frames
from nexusctl.engine.docker.exec.calls import MARK, create_exec, start_timer, told_unless_begun, wait_for_exit_code
from nexusctl.errors import EngineError

ROOT = "0:0"
"""Whom a command runs as that has to reach everything."""

TIMED_OUT = 124
"""The exit code of a command that was killed because its time was over, as coreutils' `timeout` has it."""

KEPT_OUTPUT = 16 * 1024 * 1024
"""Bytes of output that are kept: the last ones count."""

TOO_LONG = 125
"""The exit code of a command that was killed because of all that it wrote."""

LOOK_TIMEOUT = 60.0
"""Seconds within which a sandbox answers a question, even a busy one on a busy machine."""

CHANGE_TIMEOUT = 600.0
"""Seconds within which commands of ours have changed something inside."""

LATE = 30.0
"""Seconds that the engine gets on top of a command's own limit before it counts as silent."""


_PACE = 0.5
"""Seconds after which a command that does not take its input is asked for."""


class Unanswered(Exception):
    """A sandbox has not answered a question; the text says why."""


def ask(
    wire: Wire,
    container_id: str,
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    working_dir: str = "/",
    timeout: float = 0.0,
) -> Outcome:
    """Run as root a `command` that only looks. Whatever the sandbox does, that takes no more time and bytes than this.

    `timeout` is in seconds, 0 for the usual one. Raises `Unanswered` where it would, and what `run` raises.
    """
    timeout = timeout or LOOK_TIMEOUT
    outcome = run(
        wire,
        container_id,
        command,
        env=env,
        user=ROOT,
        working_dir=working_dir,
        timeout=timeout,
        most=KEPT_OUTPUT,
    )
    if outcome.exit_code == TIMED_OUT:
        raise Unanswered(f"no answer within {timeout:g} s")
    if outcome.exit_code == TOO_LONG:
        raise Unanswered(f"an answer longer than {KEPT_OUTPUT // 1024**2} MiB")
    return outcome


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
    most: int | None = None,
    stdin: bytes | None = None,
    cancel: Cancel = NEVER,
) -> Outcome:
    """Run `command` and wait for its end; `on_output` gets each piece of stdout and stderr as it comes.

    All of `stdin` is sent before any output is read: it is for commands that say little while they read.

    After `timeout` seconds what it started is killed and the exit code is 124, after `most` bytes of output 125, and
    when `cancel` is requested 130, instead of what it would have said. A command that the image does not have gives
    126 or 127, as in a shell. Raises `NotFound` and `Conflict` for a container that is absent or does not run,
    `EngineUnreachable` where the stream breaks.
    """
    mark = os.urandom(16).hex()
    marked = {**(env or {}), MARK: mark}
    exec_id = create_exec(wire, container_id, command, env=marked, user=user, cwd=working_dir, stdin=stdin is not None)
    output = bytearray()
    received, ended = 0, Event()
    exit_code: int | None = None
    fed = True
    headers = {"Connection": "Upgrade", "Upgrade": "tcp"} if stdin is not None else {}
    start = b'{"Detach":false,"Tty":false}'
    silence = FOREVER if timeout is None else timeout + LATE
    with wire.open("POST", f"/exec/{exec_id}/start", data=start, headers=headers, timeout=silence) as answer:

        def end(code: int) -> None:
            # Few commands have to be ended.
            from nexusctl.engine.docker.exec.end_processes import signal_marked  # noqa: PLC0415 - deferred: start-up time

            nonlocal exit_code
            exit_code = code
            ended.set()
            try:
                # A broken sandbox may not even let itself be ended; what runs in it then is nobody's to wait for.
                with contextlib.suppress(EngineError):
                    signal_marked(wire, container_id, mark, user, exec_id=exec_id)
            finally:
                answer.cut()

        timer = start_timer(timeout, lambda: end(TIMED_OUT))
        cutting = ExitStack()
        try:
            cutting.enter_context(cancel.cutting(lambda: end(CANCELLED)))
            cutting.enter_context(told_unless_begun(wire, exec_id))
            if stdin is not None:
                fed = _feed(wire, exec_id, answer, stdin)
            for chunk in split_frames(answer.read):
                output += chunk.data
                received += len(chunk.data)
                del output[:-KEPT_OUTPUT]
                if on_output:
                    on_output(chunk.data)
                if most is not None and received > most and not ended.is_set():
                    timer.cancel()
                    end(TOO_LONG)
                    break
        except EngineError:
            # An engine hangs up on whoever still sends when the command has ended, which says why with its exit code.
            if fed and not ended.is_set():
                raise
        finally:
            cutting.close()
            timer.cancel()
    if exit_code is None:
        exit_code = wait_for_exit_code(wire, exec_id)
    text = output.decode(errors="replace")
    return Outcome(exit_code=exit_code, output=text, timed_out=ended.is_set() and exit_code == TIMED_OUT)


def _feed(wire: Wire, exec_id: str, answer: Answer, data: bytes) -> bool:
    """Send all of `data`; whether the command took it, which may end before. Raises `EngineError`."""
    failed: list[OSError] = []

    def send() -> None:
        try:
            answer.send(data)
            answer.send_end()
        except OSError as error:
            failed.append(error)

    sending = Thread(target=send, daemon=True)
    sending.start()
    while True:
        sending.join(_PACE)
        if not sending.is_alive():
            return not failed
        # Some engines go on to wait for somebody who would read the rest.
        found = wire.get(f"/exec/{exec_id}/json")
        if found["ExitCode"] is not None and not found["Running"]:
            answer.cut()
            sending.join()
            return False
