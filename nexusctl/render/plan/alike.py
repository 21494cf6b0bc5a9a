"""Changes of one group that differ in nothing but their names, as one: thirty replicas are one line, not thirty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from nexusctl.model.plan.plan import Change
from nexusctl.model.values.late_regex import late_regex

FEWEST = 4
"""So few are told one by one."""

_NUMBERED = late_regex(r"(.*\D)(0|[1-9]\d*)\Z")


def fold_alike(changes: Iterable[Change]) -> Iterator[tuple[str, int, Change]]:
    """What a line calls each change or run of alike ones, how many these are, and one that stands for all of them.

    The bytes of that one are those of all together.
    """
    for _, run in groupby(changes, key=_without_name):
        alike = list(run)
        if len(alike) < FEWEST or not alike[0].group or alike[0].moved_from:
            yield from ((change.name, 1, change) for change in alike)
        else:
            lost, kept = (_add(change.lost_bytes for change in alike), _add(change.volume_bytes for change in alike))
            whole = replace(alike[0], lost_bytes=lost, volume_bytes=kept)
            yield f"{fold_names([change.name for change in alike])} ({len(alike)})", len(alike), whole


def fold_names(names: Sequence[str]) -> str:
    """`web-1 to web-30` for names that count on by one, else all of them."""
    found = [_NUMBERED.match(name) for name in names]
    pairs = [(match[1], int(match[2])) for match in found if match]
    if len(pairs) < len(names) or len(names) < FEWEST:
        return ", ".join(names)
    prefix, first = pairs[0]
    counted = [(prefix, first + number) for number in range(len(pairs))]
    return f"{names[0]} to {names[-1]}" if pairs == counted else ", ".join(names)


def _without_name(change: Change) -> Change:
    return replace(change, name="", leaving="", volumes=(), lost_bytes=None, volume_bytes=None)


def _add(sizes: Iterable[int | None]) -> int | None:
    known = [size for size in sizes if size is not None]
    return sum(known) if known else None
