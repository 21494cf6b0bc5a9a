"""What an import makes: a stack file as plain values, and what could not be carried over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from nexusctl.config.document.node import Node
from nexusctl.errors import Location
from nexusctl.model.values.frozen import dataclass
from nexusctl.model.values.secret_detection import tells_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """Something that was found and has no place in a stack file, or means something else there.

    `what` names it as its own file does, `reason` says why it was left out, or what was written instead.
    """

    what: str
    reason: str
    location: Location | None = None
    excerpt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    data: bytes
    executable: bool = False
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """`document` is a stack file as plain values; `files` are files to lie beside it, by relative path.

    `containers` are the ids of the live containers that its sandboxes describe, by sandbox. `said`
    are pairs of what was taken and the file that said it, where an import reads several.
    """

    document: Mapping[str, Any]
    leftovers: tuple[Unplaced, ...] = ()
    files: Mapping[str, File] = field(default_factory=dict)
    containers: Mapping[str, str] = field(default_factory=dict)
    said: tuple[tuple[str, str], ...] = ()


class Leftovers:
    """Gathers while one import lasts."""

    def __init__(self) -> None:
        self._found: list[Unplaced] = []

    def add(self, what: str, reason: str, place: Node | None = None, *, shown: bool = True) -> None:
        """`shown` is False where the line itself must not be repeated, because a secret stands in it."""
        location = place.source.location(place.line, place.column) if place else None
        excerpt = place.source.excerpt(place.line) if place and shown else None
        if excerpt and tells_secret(excerpt):
            excerpt = None
        found = Unplaced(what=what, reason=reason, location=location, excerpt=excerpt)
        # Several services may use one file.
        if found not in self._found:
            self._found.append(found)

    def repeat(self, found: Unplaced) -> None:
        """Add what another import has listed."""
        if found not in self._found:
            self._found.append(found)

    @property
    def found(self) -> tuple[Unplaced, ...]:
        """Those with a place in the order of their lines, then the others as they came."""
        placed = [leftover for leftover in self._found if leftover.location]
        return (
            *sorted(placed, key=lambda leftover: leftover.location or Location("", 0, 0)),
            *(leftover for leftover in self._found if not leftover.location),
        )


def move_path(path: str, origin: Path, target: Path) -> str:
    """`path`, which is relative to the folder `origin`, as a file in the folder `target` has to write it."""
    import os.path  # noqa: PLC0415 - deferred: start-up time

    if path.startswith(("/", "~")):
        return path
    moved = os.path.relpath(origin / path, target)
    return moved if moved.startswith(".") else f"./{moved}"
