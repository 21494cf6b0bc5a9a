"""The log of an execution on this process's streams."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable, Iterator

from nexusctl.api.everyday.executions import Piece
from nexusctl.cli import options
from nexusctl.cli.terminal.streams import disarm
from nexusctl.errors import EngineUnreachable


def write_pieces(pieces: Iterable[Piece], offset: int, *, raw: bool, as_json: bool) -> int:
    """Write what comes from `offset` on as it comes, stdout to stdout and stderr to stderr; returns where it ends.

    A terminal gets nothing that it would obey, unless `raw` is asked for.
    """
    writers = {stream: _StreamWriter(stream, raw=raw) for stream in ("stdout", "stderr")}
    for piece in _resumed(pieces):
        if piece.stream is None:
            options.say(f"note: the log begins at {piece.offset}: the bytes before it were cut away")
        elif as_json:
            text = piece.data.decode(errors="surrogateescape").encode("utf-8", "backslashreplace").decode()
            options.write_json({"offset": piece.offset, "stream": piece.stream, "data": text})
        else:
            writers[piece.stream].write(piece.data)
        offset = piece.offset + len(piece.data)
    for writer in writers.values():
        writer.finish()
    return offset


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


class _StreamWriter:
    """One stream of ours; on a terminal characters come whole."""

    def __init__(self, stream: str, *, raw: bool) -> None:
        self._out = sys.stdout if stream == "stdout" else sys.stderr
        self._plain = raw or not self._out.isatty()
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def write(self, data: bytes) -> None:
        if self._plain:
            self._out.buffer.write(data)
        else:
            self._out.write(disarm(self._decoder.decode(data)))
        self._out.flush()

    def finish(self) -> None:
        if not self._plain:
            self._out.write(disarm(self._decoder.decode(b"", final=True)))
            self._out.flush()
