"""Streams of a container: its log, and a command with the caller's own input and output.

All of it is plain HTTP; the engine hands the connection over once a command starts, and its socket then carries
input one way and output the other.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import termios
import threading
import tty as terminal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from nexusctl.engine.base import Command, LogChunk
from nexusctl.engine.docker.client.client import FOREVER, Answer, Wire
from nexusctl.engine.docker.client.frames import split_frames
from nexusctl.engine.docker.exec.calls import MARK, create_exec, wait_for_exit_code
from nexusctl.engine.docker.exec.end_processes import signal_marked
from nexusctl.engine.docker.exec.exec import TIMED_OUT
from nexusctl.engine.docker.exec.forward_signals import Relay, relayed
from nexusctl.errors import EngineError

CHUNK = 64 * 1024


def read_logs(
    wire: Wire, container_id: str, *, tail: int | None = None, since: float | None = None, follow: bool = False
) -> Iterator[LogChunk]:
    """The log so far, and with `follow` what comes; `since` is in seconds since 1970. Raises `NotFound`."""
    query = {
        "stdout": True,
        "stderr": True,
        "follow": follow,
        "tail": "all" if tail is None else tail,
        "since": "0" if since is None else f"{since:.9f}",
    }
    one_stream = bool(wire.get(f"/containers/{container_id}/json")["Config"]["Tty"])
    timeout = FOREVER if follow else None
    with wire.open("GET", f"/containers/{container_id}/logs", query, timeout=timeout) as answer:
        yield from _plain_chunks(answer) if one_stream else split_frames(answer.read)


def execute(wire: Wire, container_id: str, command: Command) -> int:
    """Run `command`; returns its exit code, 124 when its time is over, 128 + N after the signal N to this process.

    What it started is ended then: a signal is passed on first, and a second one leaves at once. With `tty` a terminal
    at `stdin` is in raw mode meanwhile and its size is passed on.
    """
    mark = uuid.uuid4().hex
    exec_id = _create(wire, container_id, command, mark)
    timed_out = threading.Event()
    answers: list[Answer] = []

    def send(signal: str) -> None:
        signal_marked(wire, container_id, mark, command.user, signal=signal, exec_id=exec_id)

    def cut() -> None:
        for answer in answers:
            answer.cut()

    def end() -> None:
        try:
            send("KILL")
        finally:
            cut()

    relay = Relay(send, cut)
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(relayed(relay))
            answers.append(stack.enter_context(_start(wire, exec_id, tty=command.tty)))
            if command.timeout is not None:
                stack.enter_context(_alarm(command.timeout, timed_out, end))
            if command.stdin is not None:
                if command.tty:
                    stack.enter_context(_raw_terminal(command.stdin))
                    stack.enter_context(_passed_on_size(wire, exec_id))
                stack.enter_context(_pumped(command.stdin, answers[0]))
            _copy(answers[0], command)
    except EngineError:
        if not timed_out.is_set() and not relay.caught:
            raise
    except BaseException:
        with contextlib.suppress(EngineError):
            end()
        if not relay.caught:
            raise
        return 128 + relay.caught
    if relay.caught:
        relay.finish()
        return 128 + relay.caught
    return TIMED_OUT if timed_out.is_set() else wait_for_exit_code(wire, exec_id)


def _create(wire: Wire, container_id: str, command: Command, mark: str) -> str:
    return create_exec(
        wire,
        container_id,
        command.argv,
        env={**(_terminal_kind() if command.tty else {}), **command.env, MARK: mark},
        user=command.user,
        cwd=command.working_dir,
        stdin=command.stdin is not None,
        tty=command.tty,
    )


def _start(wire: Wire, exec_id: str, *, tty: bool) -> Answer:
    columns, rows = shutil.get_terminal_size()
    # Engines before API 1.42 do not know the size from the start on, and are told a moment later.
    size = {"ConsoleSize": [rows, columns]} if tty else {}
    body = json.dumps({"Detach": False, "Tty": tty, **size}).encode()
    headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
    return wire.open("POST", f"/exec/{exec_id}/start", data=body, headers=headers, timeout=FOREVER)


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
def _pumped(stdin: BinaryIO, answer: Answer) -> Iterator[None]:
    """Copy `stdin` to the command while inside. Not a byte is taken from it after the command has ended."""
    done, wake = os.pipe()
    thread = threading.Thread(target=_pump, args=(stdin, answer, done), name="stdin", daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.close(wake)
        answer.cut()
        if _descriptor(stdin) is not None:
            thread.join()


def _pump(stdin: BinaryIO, answer: Answer, done: int) -> None:
    # A command that ends or closes its input before all of it was read is no fault of anybody.
    with contextlib.suppress(OSError):
        for data in _read_until(stdin, done):
            answer.send(data)
        answer.send_end()
    os.close(done)


def _read_until(stdin: BinaryIO, done: int) -> Iterator[bytes]:
    descriptor = _descriptor(stdin)
    if descriptor is None:
        while data := stdin.read(CHUNK):
            yield data
        return
    while True:
        ready, _, _ = select.select([descriptor, done], [], [])
        if done in ready:
            raise BrokenPipeError
        if not (data := os.read(descriptor, CHUNK)):
            return
        yield data


def _descriptor(stream: BinaryIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, AttributeError):
        return None


@contextmanager
def _raw_terminal(stdin: BinaryIO) -> Iterator[None]:
    """Pass every key on as it is, Ctrl-C included; the terminal is put back at the end."""
    descriptor = _descriptor(stdin)
    if descriptor is None or not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    terminal.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextmanager
def _passed_on_size(wire: Wire, exec_id: str) -> Iterator[None]:
    """Give the terminal's size to the command now and at each change."""

    def resize(*_: object) -> None:
        columns, rows = shutil.get_terminal_size()
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
