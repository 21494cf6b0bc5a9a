"""Notes that a live container is about to differ from its newest record, kept as volumes that nothing prunes.

Labels of a container cannot change, so its newer records are volumes, too, and a change is carried out before its
record is written. A note without a record of its number tells that a record is lost, or that a change was cut off
before its record was written.

Earlier notes are tags of the image that the container runs from. They are heeded and removed, and none is made: prunes
of images take them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.client.claim_volume import claim_mark
from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound

REPOSITORY = "nexusctl/amended"
"""Of earlier notes."""

_SHORT = 16
"""So many letters of a container's id tell it from any other."""


def is_tag(name: str) -> bool:
    """Whether an image is called so by an earlier note."""
    return name.startswith(f"{REPOSITORY}:")


def sequence_of(entry: Mapping[str, Any]) -> int:
    """The number of an amendment; one that cannot be read counts as the oldest."""
    return labels.read_number((entry["Labels"] or {}).get(labels.SEQUENCE, ""))


def number_of(note: str) -> int:
    """The number of the record that answers `note`."""
    text = note.rpartition("_")[2]
    return labels.read_number(text)


def read_notes(images: Iterable[Mapping[str, Any]], marked: Iterable[Mapping[str, Any]], stack: str) -> tuple[str, ...]:
    """The stack's notes among listed images, and among the volumes that are `marked` as the stack's."""
    prefix = f"{REPOSITORY}:{stack}_"
    tags = [tag for entry in images for tag in entry["RepoTags"] or () if tag.startswith(prefix)]
    volumes = [entry["Name"] for entry in marked if entry["Labels"].get(labels.ROLE) == "note"]
    return tuple(sorted((*tags, *volumes)))


def notes_of(notes: Iterable[str], container_id: str) -> tuple[str, ...]:
    """Those of one container."""
    return tuple(note for note in notes if _container_of(note) == container_id[:_SHORT])


def find_orphaned(notes: Iterable[str], container_ids: Iterable[str]) -> Iterator[str]:
    """Those of no container that there is."""
    present = {container_id[:_SHORT] for container_id in container_ids}
    yield from (note for note in notes if _container_of(note) not in present)


def write_note(wire: Wire, stack: str, container_id: str, number: int) -> str:
    """Note that record `number` is still to come; returns the note."""
    name = f"nexusctl_note_{container_id[:_SHORT]}_{number}"
    marks = {labels.STACK: stack, labels.ROLE: "note", labels.CONTAINER: container_id, labels.SEQUENCE: str(number)}
    return str(claim_mark(wire, name, marks)["Name"])


def remove_tag(wire: Wire, note: str) -> None:
    """Remove an earlier note; an absent one is fine.

    Whoever takes the last name of an image takes the image, or is refused where a container runs from it. So where
    the image is known by an id alone, the note moves to one that has a name of its own before it goes.
    """
    with contextlib.suppress(NotFound):
        image = wire.get(f"/images/{note}/json")
        if not _has_name(image):
            _move_tag(wire, note)
        wire.delete(f"/images/{note}")


def _has_name(image: Mapping[str, Any]) -> bool:
    """Whether it has one that is no note."""
    names = (*(image["RepoTags"] or ()), *(image["RepoDigests"] or ()))
    return any(not is_tag(name) and not name.startswith("<none>") for name in names)


def _move_tag(wire: Wire, note: str) -> None:
    """Give it to an image that has a name of its own, if there is one; some go between the list and this."""
    repository, _, tag = note.rpartition(":")
    for entry in wire.get("/images/json"):
        if _has_name(entry):
            with contextlib.suppress(NotFound):
                wire.post(f"/images/{entry['Id']}/tag", query={"repo": repository, "tag": tag})
                return


def _container_of(note: str) -> str:
    return note.rsplit("_", 2)[1]
