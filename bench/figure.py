"""What a row of the table says, and how contestants are timed in turns."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar


@dataclass(frozen=True)
class Setting:
    """What every row gets: a folder and a name of its own, an image that is there, and how often to measure.

    `many` is how many sandboxes the rows about many have.
    """

    folder: Path
    stack: str
    image: str
    rounds: int
    many: int


@dataclass(frozen=True)
class Against:
    """What nexusctl is held against: `seconds` of the other in each round, and the ratio that is allowed."""

    name: str
    seconds: Sequence[float]
    limit: float


@dataclass(frozen=True)
class Figure:
    """`ours` are nexusctl's values of each round, `limit` what they may be by themselves, `remark` what was seen."""

    what: str
    ours: Sequence[float]
    against: Sequence[Against] = ()
    limit: float | None = None
    unit: str = "s"
    remark: str = ""


@dataclass
class Stopwatch:
    """Seconds by contestant and act, a value a round."""

    seconds: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def take(self, name: str, act: str, do: Callable[[], object]) -> None:
        """Run `do` and note how long it took. Raises what it raises, and notes nothing then."""
        began = time.perf_counter()
        do()
        self.seconds.setdefault((name, act), []).append(time.perf_counter() - began)

    def of(self, name: str, act: str) -> list[float]:
        """Raises RuntimeError where nothing was taken."""
        if not (found := self.seconds.get((name, act))):
            raise RuntimeError(f"no {act} of {name} came to its end")
        return found


class Named(Protocol):
    name: str


T = TypeVar("T", bound=Named)


def turns(what: str, contestants: Sequence[T], rounds: int) -> Iterator[T]:
    """Each contestant once a round, and another one first in each, so that a slow minute of the machine hits all."""
    for number in range(rounds):
        first = number % len(contestants)
        for contestant in [*contestants[first:], *contestants[:first]]:
            note(f"{what}, round {number + 1} of {rounds}: {contestant.name}")
            yield contestant


@contextmanager
def cleared(*undo: Callable[[], object]) -> Iterator[None]:
    """Whatever happens inside: afterwards each of `undo` was tried."""
    try:
        yield
    finally:
        for act in undo:
            with suppress(RuntimeError):
                act()


def note(text: str) -> None:
    """A line for whoever waits."""
    print(text, file=sys.stderr, flush=True)


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of each round; of the medians where the two were not measured in pairs."""
    if len(ours) == len(theirs):
        return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
    return statistics.median(ours) / statistics.median(theirs)


def format_table(figures: Mapping[str, Sequence[Figure]]) -> str:
    """A Markdown table of all figures, by the name of their row."""
    lines = ["| row | what | nexusctl | beside | ratio | at most | |", "|---|---|---|---|---|---|---|"]
    for row, found in figures.items():
        for figure in found:
            lines += [f"| {' | '.join([row, *cells])} |" for cells in _lines_of(figure)]
    return "\n".join(lines)


def _lines_of(figure: Figure) -> Iterator[list[str]]:
    ours = f"{_number(statistics.median(figure.ours))} {figure.unit}"
    what = f"{figure.what} ({figure.remark})" if figure.remark else figure.what
    if figure.limit is not None:
        kept = statistics.median(figure.ours) <= figure.limit
        yield [what, ours, "", "", f"{_number(figure.limit)} {figure.unit}", _verdict(kept)]
    for other in figure.against:
        ratio = median_ratio(figure.ours, other.seconds)
        beside = f"{other.name}: {_number(statistics.median(other.seconds))} {figure.unit}"
        yield [what, ours, beside, f"{ratio:.2f}", f"{other.limit:.2f}", _verdict(ratio <= other.limit)]


def _number(value: float) -> str:
    return f"{value:.3f}" if value < 0.2 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _verdict(kept: bool) -> str:
    return "kept" if kept else "missed"
