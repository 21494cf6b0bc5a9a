"""Commands in sandboxes as objects: started, found again, read, fed, signalled, removed, by whoever has the id."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from nexusctl.errors import Diagnostic, InputError, NotFound
from nexusctl.model.observed.execution import CONTAINER_DIGITS, Execution, ExecutionOutput, Order, Piece, whole_text
from nexusctl.model.values.did_you_mean import suggest

if TYPE_CHECKING:
    from nexusctl.engine.base import Engine
    from nexusctl.engine.command import Command
    from nexusctl.model.observed.live import LiveSandbox
    from nexusctl.model.observed.running_sandbox import RunningSandbox

    Running = LiveSandbox | RunningSandbox

__all__ = [
    "MOST_BYTES", "Execution", "ExecutionOutput", "Piece",
    "attached", "feed", "follow", "listen", "listing", "read", "read_all", "read_pieces", "remove", "resize",
    "show", "signal", "start", "wait", "watch",
]  # fmt: skip

MOST_BYTES = 1024 * 1024
"""Bytes that a single `read` gives, where nothing else is said."""

FOREVER = float("inf")
EVERYTHING = 2**50

SIGNALS = ("HUP", "INT", "QUIT", "KILL", "USR1", "USR2", "ALRM", "TERM", "CONT", "STOP", "TSTP", "WINCH")
"""Those that a command can be sent, by their names without SIG."""


def start(
    engine: Engine,
    sandbox: Running,
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    working_dir: str | None = None,
    user: str | None = None,
    stdin: bool = False,
    tty: bool = False,
    timeout: float | None = None,
    who: str = "",
    stack: str = "",
    shown: Sequence[str] | None = None,
) -> tuple[Execution, str]:
    """Start `argv` in a running sandbox, and leave it there; returns it with a word on its log, which may be empty.

    `env` is written down nowhere. `shown` is written down as its command where `argv` has something to hide. With
    `stdin` its input stays open for `feed`, else it has none; with `tty` it has a terminal. `timeout` says after how
    many seconds `argv` ends by itself. `who` is the local user where it is empty. Raises `StepError` where the sandbox
    has no shell, or cannot keep a log or have a terminal, `EngineError`.
    """
    order = replace(
        _order(sandbox, argv, shown, who),
        env=dict(env or {}),
        working_dir=working_dir,
        user=user,
        fed=stdin,
        tty=tty,
        timeout=timeout,
    )
    note = engine.executions.start(sandbox.id, order)
    begun = Execution(
        id=order.id,
        container_id=sandbox.id,
        stack=stack,
        sandbox=sandbox.sandbox,
        command=order.command,
        who=order.who,
        started=order.started,
        state="running",
        fed=stdin,
        tty=tty,
        user=user,
        timeout=timeout,
    )
    return begun, note


def watch(engine: Engine, sandbox: Running, command: Command, who: str = "") -> int:
    """Run `command` to its end with the caller's streams, written down as any other; returns its exit code."""
    order = replace(_order(sandbox, command.argv, None, who), user=command.user)
    return engine.executions.watch(sandbox.id, command, order)


def _order(sandbox: Running, argv: Sequence[str], shown: Sequence[str] | None, who: str) -> Order:
    now = time.time()
    return Order(
        id=_new_id(sandbox.id, now),
        argv=tuple(argv),
        command=tuple(argv if shown is None else shown),
        who=who or _local_user(),
        started=now,
    )


def _new_id(container_id: str, now: float) -> str:
    """Sorted by their time; whose time is said by an id of another machine's clock may be off as that is."""
    return f"exec_{container_id[:CONTAINER_DIGITS]}{int(now):08x}{os.urandom(4).hex()}"


def _local_user() -> str:
    """As `getpass.getuser`, which brings terminals along."""
    if named := next(filter(None, map(os.environ.get, ("LOGNAME", "USER", "LNAME", "USERNAME"))), None):
        return named
    # Most have one of them.
    import pwd  # noqa: PLC0415 - deferred: start-up time

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except (KeyError, OSError):
        return str(os.getuid())


def listing(engine: Engine, sandboxes: Iterable[LiveSandbox]) -> tuple[Execution, ...]:
    """Those of each of the sandboxes, the oldest first; one that goes meanwhile has none."""
    found: list[Execution] = []
    for sandbox in sandboxes:
        try:
            found += engine.executions.list(sandbox.id)
        except NotFound:
            continue
    return tuple(sorted(found, key=lambda execution: execution.started))


def show(engine: Engine, execution_id: str) -> Execution:
    """Raises `NotFound` for an id that none has, `EngineError`."""
    return engine.executions.show(execution_id)


def read(
    engine: Engine, execution_id: str, offset: int = 0, max_bytes: int = MOST_BYTES, wait_seconds: float = 0.0
) -> ExecutionOutput:
    """The log from `offset` on. Where there is nothing yet, it waits so long for the first of it.

    No character of UTF-8 is cut in two, as long as `max_bytes` is 4 or more. Raises `NotFound`, `EngineError`.
    """
    pieces = tuple(engine.executions.read(execution_id, offset, most=max_bytes))
    if not any(piece.data for piece in pieces) and wait_seconds > 0:
        pieces = _wait_for_some(engine, execution_id, offset, max_bytes, wait_seconds)
    execution = engine.executions.show(execution_id)
    if execution.state != "running" and sum(len(piece.data) for piece in pieces) < max_bytes:
        # Between the two it has said its last.
        pieces = tuple(engine.executions.read(execution_id, offset, most=max_bytes))
    return whole_text(pieces, offset, execution)


def _wait_for_some(
    engine: Engine, execution_id: str, offset: int, max_bytes: int, wait_seconds: float
) -> tuple[Piece, ...]:
    for piece in engine.executions.read(execution_id, offset, most=max_bytes, wait=wait_seconds):
        if piece.data:
            return (piece,)
    return ()


def listen(
    engine: Engine, execution_id: str, max_bytes: int, wait_seconds: float, silence: float | None = None
) -> ExecutionOutput:
    """The begin of the log until the execution has ended, or so many seconds; fewer where it serves, and says nothing
    more for `silence` seconds. Raises `NotFound`, `EngineError`.
    """
    pieces, execution = engine.executions.listen(execution_id, most=max_bytes, wait=wait_seconds, silence=silence)
    end = pieces[-1].offset + len(pieces[-1].data) if pieces else 0
    if end < execution.bytes and sum(len(piece.data) for piece in pieces) < max_bytes:
        # Between the two it has said more.
        pieces = tuple(engine.executions.read(execution_id, 0, most=max_bytes))
    return whole_text(pieces, 0, execution)


def read_pieces(engine: Engine, execution_id: str, offset: int, max_bytes: int) -> Iterator[Piece]:
    """A part of the log as it was written, with times. Raises `NotFound`, `EngineError`."""
    return engine.executions.read(execution_id, offset, most=max_bytes)


def read_all(engine: Engine, execution_id: str, offset: int = 0) -> Iterator[Piece]:
    """All that there is of the log from `offset` on, as it is read. Raises `NotFound`, `EngineError`."""
    return engine.executions.read(execution_id, offset, most=EVERYTHING)


def follow(engine: Engine, execution_id: str, offset: int = 0) -> Iterator[Piece]:
    """All of the log from `offset` on, as it comes, until the execution has ended. Raises `NotFound`, `EngineError`."""
    while True:
        reached = offset
        for piece in engine.executions.read(execution_id, reached, most=EVERYTHING, wait=FOREVER):
            reached = piece.offset + len(piece.data)
            yield piece
        if engine.executions.show(execution_id).state != "running":
            # A sandbox that was ended in the middle may hold more than it could say.
            yield from engine.executions.read(execution_id, reached, most=EVERYTHING)
            return
        offset = reached
        time.sleep(0.2)


def wait(engine: Engine, execution_id: str, timeout: float = FOREVER) -> Execution:
    """Until it has ended, or so many seconds have passed. Raises `NotFound`, `EngineError`."""
    deadline = time.monotonic() + timeout
    while (found := engine.executions.show(execution_id)).state == "running":
        left = deadline - time.monotonic()
        if left <= 0:
            break
        for _ in engine.executions.read(execution_id, found.bytes, most=EVERYTHING, wait=min(left, 3600.0)):
            pass
        time.sleep(min(max(left, 0.0), 0.05))
    return found


def signal(engine: Engine, execution_id: str, name: str) -> None:
    """Send a signal, with or without SIG, to all that it runs. Raises `InputError` for one that there is not,
    `NotFound`, `Conflict` where it has ended.
    """
    word = name.upper().removeprefix("SIG")
    if word not in SIGNALS:
        raise InputError(Diagnostic(f"there is no signal {name}", hint=suggest(word, SIGNALS, "signals")))
    engine.executions.signal(execution_id, word)


def feed(engine: Engine, execution_id: str, data: bytes, *, end: bool = False) -> None:
    """Send `data` to its input, and with `end` that nothing more comes. Raises `NotFound`, `Conflict`."""
    engine.executions.feed(execution_id, data, end=end)


def attached(engine: Engine, execution_id: str, stdin: BinaryIO) -> AbstractContextManager[None]:
    """While inside, what comes on `stdin` goes to its input, and the end of it, too. Raises `NotFound`, `Conflict`."""
    return engine.executions.attached(execution_id, stdin)


def resize(engine: Engine, execution_id: str, rows: int, columns: int) -> None:
    """Give its terminal this size. Raises `NotFound`, `Conflict` where it has ended."""
    engine.executions.resize(execution_id, rows, columns)


def remove(engine: Engine, execution_id: str) -> None:
    """Remove it with its log. Raises `NotFound`, and `Conflict` where it runs."""
    engine.executions.remove(execution_id)
