"""A scalar of a file that is no text."""

from __future__ import annotations

from typing import NamedTuple


class Bare(NamedTuple):
    """A number, a truth value or nothing, as it was written: `1.10` stays `1.10`."""

    text: str
