"""Logs in which the engine has put a time before each line. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from nexusctl.engine.log_chunk import LogChunk

# The engine writes nine digits behind the second, of which a clock here has six.
_TIME = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?Z ")


LONGEST = 64 * 1024
"""Bytes of a line of a terminal that are waited for."""


def read_times(chunks: Iterable[LogChunk], *, one_stream: bool) -> Iterator[LogChunk]:
    """Each line, or the part of one that the engine keeps as a piece, with its time instead of that in words.

    A piece without one goes on with what was before it in its stream. A terminal is `one_stream`, in which the engine
    does not say where a piece begins.
    """
    last: dict[str, float | None] = {}
    for chunk in _lines(chunks) if one_stream else chunks:
        data = chunk.data
        if match := _TIME.match(data):
            last[chunk.stream] = _read(match)
            data = data[match.end() :]
        if data:
            yield LogChunk(stream=chunk.stream, data=data, time=last.get(chunk.stream))


def _lines(chunks: Iterable[LogChunk]) -> Iterator[LogChunk]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk.data).split(b"\n")
        for line in whole:
            yield LogChunk(stream="stdout", data=line + b"\n")
        if len(rest) > LONGEST:
            yield LogChunk(stream="stdout", data=rest)
            rest = b""
    if rest:
        yield LogChunk(stream="stdout", data=rest)


def _read(match: re.Match[bytes]) -> float | None:
    try:
        whole = datetime.fromisoformat(match[1].decode()).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
    return whole + float(match[2] or 0)
