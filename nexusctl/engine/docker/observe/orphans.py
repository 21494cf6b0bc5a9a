"""What is left behind of containers that are gone, among what the engine lists. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.create_body import mounted_secrets
from nexusctl.engine.docker.bodies.list_status import list_names
from nexusctl.engine.docker.objects.pending_changes import find_orphaned as list_orphaned
from nexusctl.model.observed.live import Orphan

Listed = Mapping[str, Any]


def find_orphaned(
    amendments: Mapping[str, list[Listed]], notes: Iterable[str], ids: Collection[str]
) -> Iterator[Orphan]:
    yield from (Orphan(kind="amendment", name=note) for note in list_orphaned(notes, ids))
    for container, entries in sorted(amendments.items()):
        if container not in ids:
            yield from (Orphan(kind="amendment", name=entry["Name"]) for entry in entries)


def find_couriers(stack: str, containers: Iterable[Listed]) -> Iterator[Orphan]:
    """Whoever looks holds the stack's lock before anything is changed, so no courier is at work then."""
    marks = {labels.STACK: stack, labels.ROLE: "courier"}.items()
    found = (entry for entry in containers if marks <= (entry["Labels"] or {}).items())
    yield from (Orphan(kind="courier", name=name) for name in sorted(map(name_of, found)))


def find_secrets(containers: Iterable[Listed], marked: Iterable[Listed]) -> Iterator[Orphan]:
    """The deeds of folders with secrets that no sandbox has; whoever looks holds the lock here, too."""
    deeds = [entry for entry in marked if entry["Labels"].get(labels.ROLE) == "secrets"]
    if deeds:
        used = {folder for entry in containers for folder in mounted_secrets(entry)}
        names = [str(entry["Name"]) for entry in deeds if entry["Labels"].get(labels.SECRETS) not in used]
        yield from (Orphan(kind="secrets", name=name) for name in sorted(names))


def name_of(entry: Listed) -> str:
    """Links give a container more names, such as `/other/alias`; its own has no second slash."""
    return next((name for name in list_names(entry) if "/" not in name), "")
