"""The volumes that a container has for itself: by its image's VOLUME, or by a target alone.

The engine would make them without a label, and nobody could tell whose they are once the container is gone. So they are
made beforehand, with labels and a name that leads back to them. Those that the engine has made, for others or for an
older nexusctl, are known by the container that mounts them, and are taken along by name.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.create_body import volume_labels
from nexusctl.engine.docker.client.claim_volume import bears, claim_volume
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects.ownership import describe_owner, read_volume
from nexusctl.engine.image_volumes import list_declaring
from nexusctl.errors import Conflict, NotFound
from nexusctl.model.engine_names import anonymous_volume, anonymous_volume_name, is_volume_name
from nexusctl.model.observed.live import LiveImage, LiveSandbox, LiveVolume
from nexusctl.model.plan.plan import Placement
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.model.values.late_regex import late_regex

UNNAMED = late_regex(r"[0-9a-f]{64}\Z")
"""The name that the engine gives to a volume which nobody names."""


def claim_anonymous(wire: Wire, stack: str, sandbox: Sandbox, placement: Placement) -> dict[str, str]:
    """The volumes for a new container by target, made where they are not there. Raises `Conflict`, `EngineError`."""
    declared = {mount.target for mount in sandbox.mounts if mount.kind != "anonymous"}
    wanted = {mount.target for mount in sandbox.mounts if mount.kind == "anonymous"}
    wanted |= _declared_by_image(wire, placement.image)
    found = {}
    for target in sorted(wanted - declared):
        name = anonymous_volume_name(stack, sandbox.name, target, placement.others)
        known = placement.anonymous.get(target, name)
        if known == name:
            _claim(wire, stack, sandbox.name, target, name)
        found[target] = known
    return found


def find_image_volumes(
    wire: Wire,
    stack: Stack,
    sandboxes: Iterable[LiveSandbox],
    volumes: Iterable[LiveVolume],
    images: Mapping[str, LiveImage],
) -> dict[str, frozenset[str]]:
    """See `LiveState.image_volumes`."""
    declaring = {*list_declaring(stack, sandboxes, volumes, images)}
    return {reference: frozenset(_declared_by_image(wire, reference)) for reference in sorted(declaring)}


def _declared_by_image(wire: Wire, image: str) -> set[str]:
    """The creation of the container says what is wrong with an image that is not there."""
    try:
        config = wire.get(f"/images/{image}/json")["Config"] or {}
    except NotFound:
        return set()
    return {posixpath.normpath(target) for target in config.get("Volumes") or {}}


def _claim(wire: Wire, stack: str, sandbox: str, target: str, name: str) -> None:
    marks = volume_labels(stack, anonymous_volume(sandbox, target))
    entry = claim_volume(wire, name, marks)
    if not bears(entry, marks):
        owner = describe_owner("volume", entry["Labels"] or {})
        raise Conflict(f"the volume name {name}, for {target} of {sandbox}, is taken by {owner}", status=409)


def find_loose(
    stack: Stack,
    sandboxes: Iterable[LiveSandbox],
    known: Iterable[LiveVolume],
    volumes: Iterable[Mapping[str, Any]],
    containers: Iterable[Mapping[str, Any]],
) -> Iterator[LiveVolume]:
    """The volumes without labels that the stack's containers, and nobody else's, have: for themselves or by the file.

    One of the file may have been pruned before its container was made, with which the engine then made it anew without
    a label. It is the stack's where the container says that it was when that was made: somebody else's may have the
    name, and have been external until the file changed.
    `known` are the stack's other volumes; `volumes` and `containers` are all that the engine lists.
    """
    own = {found.id for found in sandboxes}
    seen = {volume.name for volume in known}
    meant = {str(entry["Id"]): (entry["Labels"] or {}).get(labels.OWN_VOLUMES, "").split() for entry in containers}
    plain = {str(entry["Name"]): entry for entry in volumes if not entry["Labels"]}
    candidates = [
        (name, LiveVolume(name=name, volume=anonymous_volume(found.sandbox, target)))
        for found in sandboxes
        for target, name in _undeclared(stack.name, found)
    ]
    candidates += [
        (name, read_volume(plain[name], volume))
        for found in sandboxes
        for volume, name in _declared(stack, found)
        if name in plain and volume in meant.get(found.id, ())
    ]
    if all(name in seen for name, _ in candidates):
        return
    shared = {
        mount.get("Name") for entry in containers if entry["Id"] not in own for mount in entry.get("Mounts") or ()
    }
    for name, volume in candidates:
        if name not in seen | shared:
            seen.add(name)
            yield replace(volume, loose=True)


def _declared(stack: Stack, found: LiveSandbox) -> Iterator[tuple[str, str]]:
    """The volumes of the file that its record names and that are called as nexusctl calls them: both their names."""
    for mount in found.record.mounts if found.record else ():
        declared = stack.volumes.get(mount.source) if mount.kind == "volume" else None
        name = found.volumes.get(mount.target, "")
        if declared and not declared.external and is_volume_name(stack.name, mount.source, name):
            yield mount.source, name


def _undeclared(stack: str, found: LiveSandbox) -> Iterator[tuple[str, str]]:
    """Target and name of what it mounts and its record does not declare; where there is no record, nothing is sure."""
    if found.record is None or not found.volumes:
        return
    declared = {mount.target for mount in found.record.mounts if mount.kind != "anonymous"}
    for target, name in sorted(found.volumes.items()):
        ours = anonymous_volume_name(stack, found.sandbox, target)
        if target not in declared and (UNNAMED.match(name) or name == ours):
            yield target, name
