"""The log of an execution on this process's streams."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO

from nexusctl.api.everyday.executions import Piece
from nexusctl.cli import options
from nexusctl.cli.terminal.program_streams import program_streams
from nexusctl.errors import EngineUnreachable


def write_pieces(pieces: Iterable[Piece], offset: int, *, raw: bool, as_json: bool) -> int:
    """Write what comes from `offset` on as it comes, stdout to stdout and stderr to stderr; returns where it ends.

    A terminal gets nothing that it would obey, unless `raw` is asked for.
    """
    with _told() if as_json else _shown(raw=raw) as writers:
        for piece in _resumed(pieces):
            if piece.stream is None:
                options.say(f"note: the log begins at {piece.offset}: the bytes before it were cut away")
            else:
                writers[piece.stream](piece)
            offset = piece.offset + len(piece.data)
    return offset


_Writers = Mapping[str, Callable[[Piece], None]]


@contextmanager
def _shown(*, raw: bool) -> Iterator[_Writers]:
    def write(stream: BinaryIO, piece: Piece) -> None:
        stream.write(piece.data)
        stream.flush()

    with program_streams(raw=raw) as (out, err):
        yield {"stdout": partial(write, out), "stderr": partial(write, err)}


@contextmanager
def _told() -> Iterator[_Writers]:
    lines = {name: _JsonLines(name) for name in ("stdout", "stderr")}
    yield {name: one.write for name, one in lines.items()}
    for one in lines.values():
        one.finish()


def _resumed(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """`pieces`; where the engine stops answering, it is said from where on the rest can be had."""
    reached = None
    try:
        for piece in pieces:
            yield piece
            reached = piece.offset + len(piece.data)
    except EngineUnreachable as error:
        if reached is None:
            raise
        hint = f"`--from {reached}` goes on where it ends"
        raise EngineUnreachable(f"the log ends here: {error.summary}", hint=hint) from error


class _JsonLines:
    """A document for each piece of one stream, in which characters are whole; what is no UTF-8 is replaced."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._begun: int | None = None

    def write(self, piece: Piece) -> None:
        begin = piece.offset if self._begun is None else self._begun
        text = self._decoder.decode(piece.data)
        # What a character still lacks comes with the next piece.
        held = len(self._decoder.getstate()[0])
        self._begun = piece.offset + len(piece.data) - held if held else None
        self._tell(begin, text)

    def finish(self) -> None:
        if self._begun is not None:
            self._tell(self._begun, self._decoder.decode(b"", final=True))

    def _tell(self, offset: int, text: str) -> None:
        if text:
            options.write_json({"offset": offset, "stream": self._stream, "data": text})
