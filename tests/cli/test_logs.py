"""Logs of any length are passed on with a bounded part of them held."""

from __future__ import annotations

from collections.abc import Iterator

from nexusctl.cli.commands.logs import LONGEST_LINE, _merge, _split_lines
from nexusctl.engine.base import LogChunk

PIECE = 64 * 1024


def chatter(count: int, taken: list[int]) -> Iterator[LogChunk]:
    for number in range(count):
        taken.append(number)
        yield LogChunk(stream="stdout", data=b"x" * PIECE)


def test_a_line_that_never_ends_comes_in_pieces() -> None:
    lines = list(_split_lines(chatter(100, [])))
    assert sum(len(data) for _, data in lines) == 100 * PIECE
    assert max(len(data) for _, data in lines) <= LONGEST_LINE + PIECE


def test_what_nobody_reads_stays_with_the_engine() -> None:
    taken: list[int] = []
    source = (("stdout", b"x\n") for _ in chatter(10_000, taken))
    merged = _merge([source])
    assert next(merged) == (0, "stdout", b"x\n")
    assert len(taken) < 1000
    assert sum(1 for _ in merged) == 9_999
