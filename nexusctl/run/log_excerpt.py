"""What to show of a log, however long it is and however long its lines are. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from nexusctl.engine.log_chunk import LogChunk

LINE = 2000
"""Bytes of a line that are shown; a program may print megabytes without ending one."""


def show_last(chunks: Iterable[LogChunk], count: int) -> tuple[str, ...]:
    """The last lines, both streams as they came."""
    return tuple(deque(_split(chunks), maxlen=count))


def show_ends(chunks: Iterable[LogChunk], count: int) -> tuple[str, ...]:
    """The first and the last `count` lines, with a word on how many there are between them."""
    first: list[str] = []
    last: deque[str] = deque(maxlen=count)
    total = 0
    for line in _split(chunks):
        total += 1
        if len(first) < count:
            first.append(line)
        else:
            last.append(line)
    between = total - len(first) - len(last)
    return (*first, *([f"({between} more lines)"] if between else []), *last)


def _split(chunks: Iterable[LogChunk]) -> Iterator[str]:
    """Lines, of each of them so much that is shown."""
    rest, lost = b"", 0
    for chunk in chunks:
        *lines, tail = chunk.data.split(b"\n")
        for line in lines:
            yield _cut(rest + line, lost)
            rest, lost = b"", 0
        rest += tail
        lost += max(0, len(rest) - LINE)
        rest = rest[:LINE]
    if rest:
        yield _cut(rest, lost)


def _cut(line: bytes, lost: int) -> str:
    lost += max(0, len(line) - LINE)
    # What a program writes over the same line again and again is shown as it is at last.
    text = line[:LINE].decode(errors="replace").rstrip("\r").rpartition("\r")[2]
    return f"{text} ({lost} more bytes)" if lost else text
