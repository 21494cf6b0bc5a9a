"""Colours and small phrases. Without `color` every function returns plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nexusctl.model.values.late_regex import late_regex
from nexusctl.model.values.utc import utc as utc
from nexusctl.model.values.utc import utc_exact as utc_exact

_CODES = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "bold": "1",
    "dim": "2",
}
_CONTROL = late_regex(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def paint(text: str, style: str, *, color: bool) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if color and text else text


def quiet(text: str) -> str:
    """`text` without control characters, which could move a terminal's cursor, hide what follows or turn it around."""
    return _CONTROL.sub(_show, text)


def _show(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def duration(seconds: float) -> str:
    """`850 ms`, `3.2 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    for size, unit, below, lower in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // below} {lower}"
    raise AssertionError(seconds)


def size(count: int) -> str:
    """Bytes with a binary unit: `512 MiB`."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.4g} {unit}"
        value /= 1024
    return f"{value:.4g} TiB"


def count(number: int, noun: str) -> str:
    """`1 sandbox`, `3 sandboxes`."""
    plural = f"{noun}es" if noun.endswith(("x", "ch", "s")) else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def table(rows: list[list[str]], *, gap: str = "  ") -> str:
    """Columns padded to their widest cell; nothing is padded behind the last one."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        gap.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def headed(rows: list[list[str]], *, color: bool) -> list[str]:
    """The lines of a `table` whose first row is painted as its head."""
    head, *body = table(rows).splitlines()
    return [paint(head, "bold", color=color), *body]


def age(created_at: float, now: float) -> str:
    """How long ago `created_at` was, `-` where it is 0."""
    return duration(max(0.0, now - created_at)) if created_at else "-"


def listing(names: Sequence[str], most: int) -> str:
    """`a, b, c and 4 more`: the first `most` names, all of them where only one would be left out."""
    more = len(names) - most
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:most])} and {more} more"
