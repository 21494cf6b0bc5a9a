"""A program of a project, as it is told by whoever knows its language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nexusctl.config.build.packages import is_package
from nexusctl.importers.draft.draft import Leftovers
from nexusctl.model.values.frozen import dataclass

FOLDER = "/app"
"""Where the files of a project lie in its sandbox."""

PRIVATE = ".secrets"
"""Where the values of generated secrets lie, beside the stack file."""

_IGNORED = (".git/", "nexus.yaml", "Dockerfile", ".env", f"{PRIVATE}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """`sandbox` is what it says of its own, `ports` where it listens, `packages` are the names of what it depends on.

    `probed` is False where its template has a probe. `name` is what the project calls itself. It is
    `several` where it is made of members that may be programs of their own.
    """

    sandbox: Mapping[str, Any]
    name: str = ""
    ports: tuple[Any, ...] = ()
    packages: frozenset[str] = frozenset()
    probed: bool = True
    several: bool = False


def upload(ignored: list[str]) -> dict[str, Any]:
    """The files of the project without those that are made from others, or are for this machine."""
    return {"source": ".", "target": FOLDER, "ignore": [*_IGNORED, *ignored]}


def fitting(manager: str, items: Iterable[str], leftovers: Leftovers) -> list[str]:
    """Those of `items` that the manager installs by name; the others are noted."""
    found = []
    for item in items:
        if is_package(manager, item):
            found.append(item)
        else:
            leftovers.add(item, f"{manager} cannot install it by its name; put it in by `uploads` or `startup`")
    return found
