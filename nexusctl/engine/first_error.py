"""The lines of what a program wrote that tell why it failed: its first error, and its last words. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from nexusctl.model.values.late_regex import late_regex

FOLLOWING = 2
"""Lines after the first error that belong to it."""

GAP = "[...]"

_PLAIN = late_regex(
    r"\berror\b.*:|\bfatal\b|\bERR!|exception|traceback|\bpanic\b|not found|no such file|permission denied",
    re.IGNORECASE,
)
_LIKELY = late_regex(
    r"\b(?:error|failed|failure|cannot|can't|could not|couldn't|unable|denied|refused)\b", re.IGNORECASE
)
_NUMBERS = late_regex(r"\d+")


def choose_lines(lines: Sequence[str], last: int, bare: Callable[[str], str] = str) -> tuple[str, ...]:
    """The `last` lines, and before them the first one that tells of an error, where that is not among them.

    Of lines that differ in their numbers only, such as those of requests that come again and again, the first is shown
    where there are too many in all. `bare` takes off what a tool writes in front of each line.
    """
    if len(lines) <= last:
        return tuple(lines)
    found = list({_NUMBERS.sub("#", line): line for line in reversed(lines)}.values())[::-1]
    head, tail = found[:-last], found[-last:]
    first = _find(head, _PLAIN, bare)
    if first is None:
        first = _find(head, _LIKELY, bare)
    if first is None:
        return tuple(tail)
    end = first + 1 + FOLLOWING
    gap = (GAP,) if end < len(head) else ()
    return (*head[first:end], *gap, *tail)


def _find(lines: Sequence[str], pattern: re.Pattern[str], bare: Callable[[str], str]) -> int | None:
    return next((number for number, line in enumerate(lines) if pattern.search(bare(line))), None)
