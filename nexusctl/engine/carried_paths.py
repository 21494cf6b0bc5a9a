"""Which paths a replacement carries over. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from nexusctl.model.plan.plan import LeftBehind


def choose_carried(written: Iterable[str], left_behind: LeftBehind) -> set[str]:
    """Those of the absolute paths `written` that are not left behind."""
    entries = set(left_behind.entries)
    carried = {path for path in written if path not in entries and not _is_below(path, left_behind.whole)}
    for folder in sorted(carried.intersection(left_behind.hollow), key=len, reverse=True):
        if not any(path.startswith(f"{folder}/") for path in carried):
            carried.remove(folder)
    return carried


def _is_below(path: str, whole: Iterable[str]) -> bool:
    """Whether `path` is, or lies below, one of `whole`: absolute paths, or bare names of folders."""
    parts = path.split("/")
    return any(f"{path}/".startswith(f"{one.rstrip('/')}/") if one.startswith("/") else one in parts for one in whole)
