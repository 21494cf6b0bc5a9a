"""Which paths a replacement leaves behind. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def is_below(path: str, left_behind: Iterable[str]) -> bool:
    """Whether an absolute path is, or lies below, one of `left_behind`: absolute paths, or bare names of folders."""
    parts = path.split("/")
    return any(
        f"{path}/".startswith(f"{one.rstrip('/')}/") if one.startswith("/") else one in parts for one in left_behind
    )
