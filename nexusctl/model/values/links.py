"""Symbolic links of this machine: where a path leads, by way of which links, and where what was opened really lies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

_MOST = 40
"""As many as the kernel follows."""


def _always(_: str) -> bool:
    return True


def follow_links(path: str, trust: Callable[[str], bool] = _always) -> tuple[str, tuple[str, ...]]:
    """Where an absolute `path` leads, and the places of the links that were followed on the way, in their order.

    A link whose place `trust` denies is not followed: it stands for itself.
    """
    here, links = "/", list[str]()
    todo = path.split("/")[::-1]
    while todo:
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            here = os.path.dirname(here)  # noqa: PTH120 - pathlib loads slowly
            continue
        place = f"{here.rstrip('/')}/{part}"
        target = _read_link(place) if len(links) < _MOST else ""
        if not target or not trust(place):
            here = place
            continue
        links.append(place)
        here = "/" if target.startswith("/") else here
        todo += target.split("/")[::-1]
    return here, tuple(links)


def opened_path(file: BinaryIO) -> Path | None:
    """Where an open file lies, without any link; None where the system cannot say."""
    found = _read_link(f"/proc/self/fd/{file.fileno()}")
    return Path(found) if found else None


def find_stray(file: BinaryIO, within: Iterable[Path | str]) -> Path | None:
    """Where an open file lies, if that is in none of the folders `within`, where some are given; else None.

    What was opened is asked for: links may have changed since somebody looked.
    """
    folders = tuple(within)
    real = opened_path(file) if folders else None
    return real if real and not any(real.is_relative_to(folder) for folder in folders) else None


def _read_link(path: str) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115 - as above
    except OSError:
        return ""
