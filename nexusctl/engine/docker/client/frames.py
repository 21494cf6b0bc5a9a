"""The engine's way to send stdout and stderr over one stream: an 8-byte header before each piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nexusctl.engine.log_chunk import LogChunk

_HEADER = 8
_STDERR = 2

_PIECE = 64 * 1024
"""Bytes of a frame that are held at a time; its header may say any number."""


def split_frames(read: Callable[[int], bytes]) -> Iterator[LogChunk]:
    """The pieces of a multiplexed stream as they come; `read(n)` gives n bytes, fewer only at the end.

    A frame that the end of the stream cuts off is given as far as it came.
    """
    while len(header := read(_HEADER)) == _HEADER:
        kind, left = header[0], int.from_bytes(header[4:], "big")
        while left and (data := read(min(left, _PIECE))):
            left -= len(data)
            yield LogChunk(stream="stderr" if kind == _STDERR else "stdout", data=data)
