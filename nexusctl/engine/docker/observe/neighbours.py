"""Which names others bear in the networks of a stack: in external ones, and in its own that somebody has joined."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.list_status import name_container
from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound
from nexusctl.model.engine_names import network_name
from nexusctl.model.stack import Stack

WORKERS = 8

Listed = Mapping[str, Any]


def find_neighbours(
    wire: Wire, stack: Stack, containers: Iterable[Listed], own: Collection[str]
) -> dict[str, dict[str, str]]:
    """By network, the names that containers of others bear there, each with the container's name.

    `own` are the ids of those that the stack has taken over. A list has no aliases, so each one is looked at that runs
    in such a network. Raises `EngineError`.
    """
    found: dict[str, dict[str, str]] = {str(n.external): {} for n in stack.networks.values() if n.external}
    external = frozenset(found)
    found |= {name: {} for name in _list_own(stack)}
    others = [entry for entry in containers if _is_neighbour(entry, stack.name, own, found)] if found else []
    running = [entry for entry in others if entry["State"] in ("running", "paused", "restarting")]
    for entry in others:
        _note(found, _list_networks(entry), _list_known(entry), name_container(entry))
    for entry, networks in zip(running, _ask_networks(wire, running), strict=True) if running else ():
        for network, place in networks.items():
            # Every container is also known by its short id.
            names = {*((place or {}).get("Aliases") or ()), *((place or {}).get("DNSNames") or ())} - {entry["Id"][:12]}
            _note(found, {network}, names, name_container(entry))
    return {network: names for network, names in found.items() if names or network in external}


def _list_own(stack: Stack) -> Iterator[str]:
    """What the engine calls the stack's own networks that a sandbox joins."""
    for name in {network for sandbox in stack.sandboxes.values() for network in sandbox.networks}:
        declared = stack.networks.get(name)
        if declared is None or not declared.external:
            yield network_name(stack.name, name)


def _is_neighbour(entry: Listed, stack: str, own: Collection[str], external: Collection[str]) -> bool:
    is_own = (entry["Labels"] or {}).get(labels.STACK) == stack or entry["Id"] in own
    return not is_own and not _list_networks(entry).keys().isdisjoint(external)


def _note(found: dict[str, dict[str, str]], networks: Iterable[str], names: Iterable[str], called: str) -> None:
    for network in found.keys() & set(networks):
        found[network].update({name: called for name in names if name})


def _list_known(entry: Listed) -> tuple[str, ...]:
    """What a list tells. Older versions gave plain names everywhere."""
    marks = entry["Labels"] or {}
    plain = "" if labels.NAMED in marks else marks.get(labels.SANDBOX, "")
    return (name_container(entry), marks.get("com.docker.compose.service", ""), plain)


def _ask_networks(wire: Wire, entries: Iterable[Listed]) -> list[Mapping[str, Any]]:
    # Few stacks have neighbours.
    from nexusctl.engine.threads import open_crew  # noqa: PLC0415 - deferred: start-up time

    with open_crew(WORKERS) as crew:
        return list(crew.map(lambda entry: _ask(wire, entry["Id"]), entries))


def _ask(wire: Wire, container_id: str) -> Mapping[str, Any]:
    try:
        return _list_networks(wire.get(f"/containers/{container_id}/json"))
    except NotFound:
        # It has gone meanwhile.
        return {}


def _list_networks(entry: Listed) -> Mapping[str, Any]:
    return (entry.get("NetworkSettings") or {}).get("Networks") or {}
