"""Logs of any length are passed on with a bounded part of them held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nexusctl.api.overview.log_lines import LONGEST_LINE, Following, LogWish, split_lines
from nexusctl.engine.log_chunk import LogChunk
from nexusctl.model.observed.live import LiveSandbox

PIECE = 64 * 1024


def chatter(count: int, taken: list[int], data: bytes = b"x" * PIECE) -> Iterator[LogChunk]:
    for number in range(count):
        taken.append(number)
        yield LogChunk(stream="stdout", data=data, time=float(number))


class Talker:
    """As much of an engine as a reader of logs sees."""

    def __init__(self) -> None:
        self.taken: list[int] = []

    def logs(self, _: str, **__: Any) -> Iterator[LogChunk]:
        return chatter(10_000, self.taken, b"x\n")

    def condition(self, _: str) -> None:
        return


def test_a_line_that_never_ends_comes_in_pieces() -> None:
    lines = [data for _, _, data in split_lines(chatter(100, []))]
    assert sum(map(len, lines)) == 100 * PIECE
    assert max(map(len, lines)) <= LONGEST_LINE + PIECE


def test_a_line_has_the_time_at_which_it_began() -> None:
    chunks = [(b"a", 1.0), (b"b\nc\n", 2.0), (b"d", 3.0)]
    found = list(split_lines(LogChunk(stream="stdout", data=data, time=time) for data, time in chunks))
    assert [(time, data) for _, time, data in found] == [(1.0, b"ab\n"), (2.0, b"c\n"), (3.0, b"d")]


def test_what_nobody_reads_stays_with_the_engine() -> None:
    talker: Any = Talker()
    following = Following(talker, print)
    following.begin(LiveSandbox(id="1", name="s_a", sandbox="a", state="exited"), LogWish())
    lines = following.run(lambda: ())
    assert next(lines).data == b"x\n"
    assert len(talker.taken) < 1000
    assert sum(1 for _ in lines) == 9_999
