"""Binds inside of one another, by which a sandbox could choose what the engine mounts at the next start."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from nexusctl.config.document.node import Mapping, Node, Scalar
from nexusctl.config.document.problems import Problems, note
from nexusctl.model.stack import Mount


def refuse_nested_binds(placed: Iterable[tuple[str, Mount, Node]], problems: Problems) -> None:
    """Report each bind whose source lies inside of one that a sandbox can write to.

    Whoever can write there puts a link in its place, which the engine follows when it starts the container again.
    `placed` has (sandbox, mount, place) in the order of the file.
    """
    binds = list(placed)
    writable = {mount.real: (name, place) for name, mount, place in reversed(binds) if not mount.read_only}
    told = set()
    for _, mount, place in binds:
        # A link on the way there can be put in its place as well.
        above = (path for end in (mount.real, *mount.links) for path in list_parents(end))
        outer = next((path for path in above if path in writable), "")
        if not outer or id(place) in told or (isinstance(place, Mapping) and place.text("host_access") == "true"):
            continue
        told.add(id(place))
        holder, where = writable[outer]
        inner, outside = _written(place), _written(where)
        summary = f"`{inner}` lies inside of `{outside}`, where `{holder}` could put a link to anything in its place"
        hint = f"mount only `{outside}`, or that one read-only, or a folder beside it"
        problems.add(place, summary, hint, note(f"`{holder}` mounts it here", where))


def _written(place: Node) -> str:
    source = place.text("bind") if isinstance(place, Mapping) else None
    return source or (place.text.split(":")[0] if isinstance(place, Scalar) else "")


def list_parents(path: str) -> Iterator[str]:
    """The folders above an absolute path, the nearest first."""
    while (above := os.path.dirname(path)) != path:  # noqa: PTH120 - pathlib loads slowly
        yield above
        path = above
