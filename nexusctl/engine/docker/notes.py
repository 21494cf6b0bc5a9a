"""Notes that a live container is about to differ from its newest record, kept as tags of the image that it runs from.

Labels of a container cannot change, and the volumes that hold newer records can be pruned while it runs; a tag of an
image in use is pruned by nobody. So a note without a record of its number tells that a record is lost, or that a
change was cut off before its record was written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nexusctl.engine.docker.wire import Wire
from nexusctl.errors import NotFound

REPOSITORY = "nexusctl/amended"

_SHORT = 16
"""So many letters of a container's id tell it from any other."""


def is_note(name: str) -> bool:
    return name.startswith(f"{REPOSITORY}:")


def number_of(note: str) -> int:
    """The number of the record that answers `note`."""
    text = note.rpartition("_")[2]
    return int(text) if text.isdigit() else 0


def read_notes(images: Iterable[Mapping[str, Any]], stack: str) -> tuple[str, ...]:
    """The stack's notes among listed images."""
    prefix = f"{REPOSITORY}:{stack}_"
    return tuple(sorted(tag for entry in images for tag in entry["RepoTags"] or () if tag.startswith(prefix)))


def notes_of(notes: Iterable[str], container_id: str) -> tuple[str, ...]:
    """Those of one container."""
    return tuple(note for note in notes if _container_of(note) == container_id[:_SHORT])


def find_orphaned(notes: Iterable[str], container_ids: Iterable[str]) -> Iterator[str]:
    """Those of no container that there is."""
    present = {container_id[:_SHORT] for container_id in container_ids}
    yield from (note for note in notes if _container_of(note) not in present)


def write_note(wire: Wire, stack: str, container_id: str, number: int) -> str:
    """Note that record `number` is still to come; returns the note, empty where the image is gone."""
    image_id = str(wire.get(f"/containers/{container_id}/json")["Image"])
    tag = f"{stack}_{container_id[:_SHORT]}_{number}"
    with contextlib.suppress(NotFound):
        wire.post(f"/images/{image_id}/tag", query={"repo": REPOSITORY, "tag": tag})
        return f"{REPOSITORY}:{tag}"
    return ""


def remove_note(wire: Wire, note: str) -> None:
    """Remove it; an absent one is fine.

    Whoever takes the last name of an image takes the image, or is refused where a container runs from it. So where
    the image is known by an id alone, the note moves to one that has a name of its own before it goes.
    """
    with contextlib.suppress(NotFound):
        image = wire.get(f"/images/{note}/json")
        if not _has_name(image) and (named := _find_named(wire)):
            repository, _, tag = note.rpartition(":")
            wire.post(f"/images/{named}/tag", query={"repo": repository, "tag": tag})
        wire.delete(f"/images/{note}")


def _has_name(image: Mapping[str, Any]) -> bool:
    """Whether it has one that is no note."""
    names = (*(image["RepoTags"] or ()), *(image["RepoDigests"] or ()))
    return any(not is_note(name) and not name.startswith("<none>") for name in names)


def _find_named(wire: Wire) -> str:
    return next((str(entry["Id"]) for entry in wire.get("/images/json") if _has_name(entry)), "")


def _container_of(note: str) -> str:
    return note.rsplit("_", 2)[1]
