"""A command in a sandbox as an object of its own, and what it has printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Literal

from nexusctl.model.values.frozen import dataclass
from nexusctl.model.values.late_regex import late_regex

Stream = Literal["stdout", "stderr"]
ExecutionState = Literal["running", "exited", "killed", "oom", "lost"]
"""`exited` by itself; `killed` by a signal, or with its sandbox; `oom` for memory; `lost` where nobody knows."""

ID = late_regex(r"exec_[0-9a-f]{28}\Z")
"""The first twelve digits are those of the container, the next eight the second in which it was started."""

CONTAINER_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """`started` and `ended` are in seconds since 1970; `bytes` is how much it has printed on both streams.

    `signal` is the name without SIG of what ended it, as a shell tells it: by an exit code of 128 and more. `who` is
    whoever started it. `fed` says whether it reads what `attach` sends. `tty` says whether it has a
    terminal. `user` is as whom it runs, None for whom the sandbox does. `timeout` is after how many seconds its command
    ends by itself, None where that is not known.
    """

    id: str
    container_id: str
    stack: str
    sandbox: str
    command: tuple[str, ...]
    who: str
    started: float
    state: ExecutionState
    exit_code: int | None = None
    signal: str = ""
    ended: float | None = None
    bytes: int = 0
    fed: bool = False
    user: str | None = None
    tty: bool = False
    timeout: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some bytes of a log from `offset` on; with `stream` None, that those before `offset` were cut away.

    The first of them came `after` so many seconds from its begin, None where nobody has written that down.
    """

    offset: int
    stream: Stream | None
    data: bytes = b""
    after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run, and what is written down of it: `command` and `who`, never `env`.

    With `fed` the command's input stays open for whoever attaches, else there is none; with `tty` both
    streams are a terminal of its own. `timeout` is what `argv` sees to.
    """

    id: str
    argv: tuple[str, ...]
    command: tuple[str, ...]
    who: str
    started: float
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str | None = None
    user: str | None = None
    fed: bool = False
    tty: bool = False
    timeout: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionOutput:
    """A part of a log: what is `chunks` long begins at `first_offset`, which is higher than what was asked for where
    that was cut away. `ended` says that nothing comes after `next_offset`.
    """

    chunks: tuple[tuple[Stream, bytes], ...]
    first_offset: int
    next_offset: int
    ended: bool
    execution: Execution


def whole_text(pieces: Iterable[Piece], offset: int, execution: Execution) -> ExecutionOutput:
    """`pieces` as one output, in which no character of UTF-8 is cut in two. Pure.

    What a stream has of a character is put together where the rest of it comes later in the same output, and left for
    the next one where it does not; `next_offset` is before it then.
    """
    first = max([offset, *(piece.offset for piece in pieces if piece.stream is None)])
    held = [piece for piece in pieces if piece.stream]
    end = held[-1].offset + len(held[-1].data) if held else first
    ended = execution.state != "running" and end >= execution.bytes
    while not ended and held and (limit := _find_limit(held)) > first and limit < end:
        held = [_cut(piece, limit) for piece in held if piece.offset < limit]
        end = limit
    return ExecutionOutput(chunks=_join(held), first_offset=first, next_offset=end, ended=ended, execution=execution)


def _find_limit(pieces: list[Piece]) -> int:
    """Where the first character begins that its stream has only a part of; the end of all where there is none."""
    last = {piece.stream: piece for piece in pieces}
    begun = [(piece, half) for piece in last.values() if (half := _count_begun(piece.data))]
    end = pieces[-1].offset + len(pieces[-1].data)
    return min([end, *(piece.offset + len(piece.data) - half for piece, half in begun)])


def _cut(piece: Piece, limit: int) -> Piece:
    return Piece(offset=piece.offset, stream=piece.stream, data=piece.data[: limit - piece.offset])


def _join(pieces: list[Piece]) -> tuple[tuple[Stream, bytes], ...]:
    """Half of a character goes to the other half, behind what the other stream has said in between."""
    chunks: list[tuple[Stream, bytes]] = []
    last: dict[Stream, int] = {}
    for piece in pieces:
        assert piece.stream is not None
        data = piece.data
        before = last.get(piece.stream)
        if before is not None and (half := _count_begun(chunks[before][1])):
            said = chunks[before][1]
            data, chunks[before] = said[-half:] + data, (piece.stream, said[:-half])
        last[piece.stream] = len(chunks)
        chunks.append((piece.stream, data))
    return tuple((stream, data) for stream, data in chunks if data)


def _count_begun(data: bytes) -> int:
    """How many bytes at the end of `data` begin a character of UTF-8 that needs more of them."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        length = 2 if byte & 0xE0 == 0xC0 else 3 if byte & 0xF0 == 0xE0 else 4 if byte & 0xF8 == 0xF0 else 1
        return back if length > back else 0
    return 0
