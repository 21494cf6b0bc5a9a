"""Streams of a container: its log, and a command with the caller's own input and output.

All of it is plain HTTP; the engine hands the connection over once a command starts, and its socket then carries
input one way and output the other.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from nexusctl.engine.command import Command
from nexusctl.engine.docker.client.answer import Answer
from nexusctl.engine.docker.client.client import FOREVER, Wire
from nexusctl.engine.docker.client.frames import split_frames
from nexusctl.engine.docker.exec.calls import MARK, create_exec, told_unless_begun, wait_for_exit_code
from nexusctl.engine.docker.exec.end_processes import signal_marked
from nexusctl.engine.docker.exec.exec import TIMED_OUT
from nexusctl.engine.docker.exec.forward_signals import Relay, relayed, within
from nexusctl.engine.docker.exec.pump import CHUNK, descriptor_of, pumped
from nexusctl.engine.log_chunk import LogChunk
from nexusctl.errors import EngineError

_ENDING_PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds between looks whether what was killed has ended."""

_LEAVING = 2.0
"""Seconds that are left for the end of a command by whoever leaves at once."""

_RUNS_ON = "runs on inside: no shell there to end it by, and from here only root may; a restart of the sandbox ends it"


def read_logs(
    wire: Wire,
    container_id: str,
    *,
    tail: int | None = None,
    since: float | None = None,
    follow: bool = False,
    timed: bool = False,
) -> Iterator[LogChunk]:
    """See `engine/base.py`. Raises `NotFound`."""
    query = {
        "stdout": True,
        "stderr": True,
        "follow": follow,
        "tail": "all" if tail is None else tail,
        "since": "0" if since is None else f"{since:.9f}",
        "timestamps": timed,
    }
    one_stream = bool(wire.get(f"/containers/{container_id}/json")["Config"]["Tty"])
    timeout = FOREVER if follow else None
    with wire.open("GET", f"/containers/{container_id}/logs", query, timeout=timeout) as answer:
        chunks = _plain_chunks(answer) if one_stream else split_frames(answer.read)
        if not timed:
            yield from chunks
            return
        # Only who asks for times needs it.
        from nexusctl.engine.docker.exec.timed_logs import read_times  # noqa: PLC0415 - deferred: start-up time

        yield from read_times(chunks, one_stream=one_stream)


def execute(wire: Wire, container_id: str, command: Command, *, execution_id: str = "") -> int:
    """Run `command`; returns its exit code, 124 when its time is over, 128 + N after the signal N to this process.

    What it started is ended then: a signal is passed on first, and a second one leaves at once. With `tty` a terminal
    at `stdin` is in raw mode meanwhile and its size is passed on. With `execution_id` what runs is a supervisor, which
    marks its command by that and ends after it.
    """
    mark = execution_id or os.urandom(16).hex()
    exec_id = _create(wire, container_id, command, "" if execution_id else mark)
    timed_out = threading.Event()
    answers: list[Answer] = []

    def send(signal: str) -> None:
        first = "" if execution_id else exec_id
        signal_marked(wire, container_id, mark, command.user, signal=signal, exec_id=first)

    def cut() -> None:
        for answer in answers:
            answer.cut()

    def end() -> None:
        try:
            relay.try_to_send("KILL")
        finally:
            cut()

    def follow() -> None:
        try:
            with contextlib.ExitStack() as stack:
                answers.append(stack.enter_context(_start(wire, exec_id, tty=command.tty)))
                stack.enter_context(told_unless_begun(wire, exec_id))
                if command.timeout is not None:
                    stack.enter_context(_alarm(command.timeout, timed_out, end))
                if command.stdin is not None:
                    if command.tty:
                        stack.enter_context(_raw_terminal(command.stdin))
                        stack.enter_context(_passed_on_size(wire, exec_id))
                    stack.enter_context(pumped(command.stdin, answers[0]))
                _copy(answers[0], command)
        except EngineError:
            if not timed_out.is_set() and not relay.caught:
                raise

    relay = Relay(send, cut)
    # Until nothing is left of it: a signal that is repeated meanwhile takes nothing back of what the first one meant.
    with relayed(relay):
        try:
            follow()
            if relay.caught:
                relay.finish()
            if (relay.caught or timed_out.is_set()) and not execution_id:
                _tell_of_rest(wire, exec_id, command)
            code = 0 if relay.caught or timed_out.is_set() else wait_for_exit_code(wire, exec_id)
        except EngineError:
            raise
        except BaseException:
            with contextlib.suppress(KeyboardInterrupt):
                within(_LEAVING, end)
            if not relay.caught:
                raise
    if relay.caught:
        return 128 + relay.caught
    return TIMED_OUT if timed_out.is_set() else code


def _tell_of_rest(wire: Wire, exec_id: str, command: Command) -> None:
    """Say so where what was to end runs on: from here only a shell inside, or a user who may, can end it."""
    for pause in _ENDING_PAUSES:
        try:
            if not wire.get(f"/exec/{exec_id}/json")["Running"]:
                return
        except EngineError:
            # What ran in a sandbox that is gone is gone.
            return
        time.sleep(pause)
    end = "\r\n" if command.tty else "\n"
    command.stderr.write(f"warning: {command.argv[0]} {_RUNS_ON}{end}".encode())
    command.stderr.flush()


def _create(wire: Wire, container_id: str, command: Command, mark: str) -> str:
    return create_exec(
        wire,
        container_id,
        command.argv,
        env={**(_terminal_kind() if command.tty else {}), **command.env, **({MARK: mark} if mark else {})},
        user=command.user,
        cwd=command.working_dir,
        stdin=command.stdin is not None,
        tty=command.tty,
    )


def _start(wire: Wire, exec_id: str, *, tty: bool) -> Answer:
    body: dict[str, Any] = {"Detach": False, "Tty": tty}
    if tty:
        columns, rows = _measure_terminal()
        # Engines before API 1.42 do not know the size from the start on, and are told a moment later.
        body["ConsoleSize"] = [rows, columns]
    headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
    data = json.dumps(body).encode()
    return wire.open("POST", f"/exec/{exec_id}/start", data=data, headers=headers, timeout=FOREVER)


def _copy(answer: Answer, command: Command) -> None:
    for chunk in _plain_chunks(answer) if command.tty else split_frames(answer.read):
        target = command.stdout if chunk.stream == "stdout" else command.stderr
        target.write(chunk.data)
        target.flush()


def _plain_chunks(answer: Answer) -> Iterator[LogChunk]:
    while data := answer.read_some(CHUNK):
        yield LogChunk(stream="stdout", data=data)


@contextmanager
def _alarm(timeout: float, timed_out: threading.Event, end: Any) -> Iterator[None]:
    def ring() -> None:
        timed_out.set()
        end()

    timer = threading.Timer(timeout, ring)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _raw_terminal(stdin: BinaryIO) -> Iterator[None]:
    """Pass every key on as it is, Ctrl-C included; the terminal is put back at the end."""
    descriptor = descriptor_of(stdin)
    if descriptor is None or not os.isatty(descriptor):
        yield
        return
    # Most commands have none.
    import termios  # noqa: PLC0415 - deferred: start-up time
    import tty as terminal  # noqa: PLC0415 - deferred: start-up time

    before = termios.tcgetattr(descriptor)
    terminal.setraw(descriptor)
    try:
        yield
    finally:
        # A terminal that was closed meanwhile cannot be put back, and needs it no more.
        with contextlib.suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextmanager
def _passed_on_size(wire: Wire, exec_id: str) -> Iterator[None]:
    """Give the terminal's size to the command now and at each change."""

    def resize(*_: object) -> None:
        columns, rows = _measure_terminal()
        with contextlib.suppress(EngineError):
            wire.post(f"/exec/{exec_id}/resize", query={"h": rows, "w": columns})

    resize()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGWINCH, resize)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def _terminal_kind() -> dict[str, str]:
    return {"TERM": os.environ.get("TERM", "xterm")}


def _measure_terminal() -> tuple[int, int]:
    """Its columns and rows."""
    # Most commands have none, and it brings the libraries of compression along.
    from shutil import get_terminal_size  # noqa: PLC0415 - deferred: start-up time

    return get_terminal_size()
