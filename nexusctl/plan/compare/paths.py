"""Paths inside of sandboxes, as uploads make them. Pure."""

from __future__ import annotations

from collections.abc import Iterator


def place(target: str, path: str) -> str:
    """The absolute path of an entry of an upload."""
    return f"{target.rstrip('/')}/{path}" if path else target


def list_above(path: str) -> Iterator[str]:
    """The folders above an absolute `path`, the nearest first; the root is an empty text."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
