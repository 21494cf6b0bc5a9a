"""Which objects of others are the stack's: those that an adoption names, and on request those under its names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects.adopt import (
    adoption_name,
    find_adopted,
    find_candidates,
    record_of,
    wanted_names,
)
from nexusctl.engine.docker.objects.ownership import is_free, read_network, read_volume
from nexusctl.engine.docker.objects.read_body import NAMELESS
from nexusctl.model.observed.live import Adopt, LiveNetwork, LiveSandbox, LiveVolume, Orphan
from nexusctl.model.stack import Stack

_COMPOSED = "com.docker.compose.service"
Listed = Mapping[str, Any]
Found = tuple[tuple[LiveSandbox, ...], tuple[LiveNetwork, ...], tuple[LiveVolume, ...], tuple[Orphan, ...]]


def find_foreign(
    wire: Wire,
    stack: Stack,
    containers: Iterable[Listed],
    networks: Iterable[Listed],
    volumes: Iterable[Listed],
    own: Iterable[Listed],
    ours: tuple[LiveSandbox, ...],
    read: Callable[..., tuple[LiveSandbox, ...]],
    *,
    adopt: Adopt,
) -> Found:
    """Sandboxes, networks, volumes, and adoptions whose object is gone. `ours` were taken over before, `own` were made.

    Raises `Conflict` where `adopt` names a container that cannot be had.
    """
    sandboxes = tuple(replace(sandbox, adopted="yes") for sandbox in ours)
    if adopt is not None:
        live = {entry["Labels"][labels.SANDBOX] for entry in own} | {sandbox.sandbox for sandbox in ours}
        names = find_candidates(stack, leave_out_claimed(containers, volumes), live, adopt)
        entries = [entry for entry in containers if entry["Id"] in names]
        sandboxes += tuple(_as_candidate(wire, stack, found, names[found.id]) for found in read(entries=entries))
    sandboxes = _with_names(sandboxes, containers)
    found_networks, lost_networks = _read_networks(stack, networks, volumes, adopt=adopt)
    found_volumes, lost_volumes = _read_volumes(stack, volumes, adopt=adopt)
    return sandboxes, found_networks, found_volumes, (*lost_networks, *lost_volumes)


def _with_names(sandboxes: Iterable[LiveSandbox], containers: Iterable[Listed]) -> tuple[LiveSandbox, ...]:
    """Says which of them are known by name: Compose gives the name as an alias too, and that stays after a rename."""
    composed = {entry["Id"] for entry in containers if _COMPOSED in (entry["Labels"] or {})}
    return tuple(
        replace(found, known_by_name=found.id not in composed and not NAMELESS.issuperset(found.networks.values()))
        for found in sandboxes
    )


def leave_out_claimed(
    containers: Iterable[Listed], volumes: Iterable[Listed], but_by: str | None = None
) -> list[Listed]:
    """Those that no stack has taken over, or only the stack `but_by`: the claim is a volume."""
    marks = [entry["Labels"] or {} for entry in volumes]
    claimed = {found.get(labels.CONTAINER) for found in marks if but_by is None or found.get(labels.STACK) != but_by}
    return [entry for entry in containers if entry["Id"] not in claimed]


def _as_candidate(wire: Wire, stack: Stack, found: LiveSandbox, name: str) -> LiveSandbox:
    record = record_of(wire, stack, found.id, name, found.volumes.keys())
    return replace(found, sandbox=name, record=record, record_problem="", adopted="new")


def _read_networks(
    stack: Stack, networks: Iterable[Listed], volumes: Iterable[Listed], *, adopt: Adopt
) -> tuple[tuple[LiveNetwork, ...], tuple[Orphan, ...]]:
    adopted = find_adopted(stack.name, volumes, "network")
    wanted = wanted_names(stack, "network") if adopt is not None else {}
    found = []
    for entry in networks:
        name = adopted.get(entry["Id"]) or (wanted.get(entry["Name"]) if is_free(entry) else None)
        if name:
            found.append(read_network(entry, name, "yes" if entry["Id"] in adopted else "new"))
    gone = adopted.keys() - {network.id for network in found}
    return tuple(found), _orphans(stack, "network", gone)


def _read_volumes(
    stack: Stack, volumes: Iterable[Listed], *, adopt: Adopt
) -> tuple[tuple[LiveVolume, ...], tuple[Orphan, ...]]:
    adopted = find_adopted(stack.name, volumes, "volume")
    wanted = wanted_names(stack, "volume") if adopt is not None else {}
    found = []
    for entry in volumes:
        name = adopted.get(entry["Name"]) or (wanted.get(entry["Name"]) if is_free(entry) else None)
        if name:
            known: Any = "yes" if entry["Name"] in adopted else "new"
            found.append(read_volume(entry, name, known))
    gone = adopted.keys() - {volume.name for volume in found}
    return tuple(found), _orphans(stack, "volume", gone)


def _orphans(stack: Stack, kind: str, keys: Iterable[str]) -> tuple[Orphan, ...]:
    return tuple(Orphan(kind="amendment", name=adoption_name(stack.name, kind, key)) for key in sorted(keys))
