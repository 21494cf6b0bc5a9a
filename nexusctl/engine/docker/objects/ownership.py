"""What belongs to others and is in the stack's way: names and host ports. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.list_status import list_names, name_container
from nexusctl.model.engine_names import container_name, network_name, volume_name
from nexusctl.model.observed.live import Adopted, ForeignBind, LiveNetwork, LiveVolume
from nexusctl.model.stack import DEFAULT_NETWORK, LOCAL, Stack

Listed = Mapping[str, Any]


def find_taken(
    stack: Stack, containers: Iterable[Listed], networks: Iterable[Listed], volumes: Iterable[Listed]
) -> dict[str, dict[str, str]]:
    """The names that `stack` would use and others have, by kind, each with a phrase that says whose it is."""
    wanted_networks = {*stack.networks, *(n for sandbox in stack.sandboxes.values() for n in sandbox.networks)}
    wanted = {
        "container": {container_name(stack.name, name) for name in stack.sandboxes},
        "network": {network_name(stack.name, name) for name in wanted_networks | {DEFAULT_NETWORK}},
        "volume": {volume_name(stack.name, name) for name in stack.volumes},
    }
    present = {
        "container": [(name, entry["Labels"]) for entry in containers for name in list_names(entry)],
        "network": [(entry["Name"], entry["Labels"]) for entry in networks],
        "volume": [(entry["Name"], entry["Labels"]) for entry in volumes],
    }
    return {
        kind: {
            name: describe_owner(kind, marks or {})
            for name, marks in present[kind]
            if name in wanted[kind] and not _is_own(kind, stack.name, marks or {})
        }
        for kind in wanted
    }


def find_absent(stack: Stack, networks: Iterable[Listed], volumes: Iterable[Listed]) -> frozenset[tuple[str, str]]:
    """The external networks, by name or id, and volumes of `stack` that are not there, each with its kind."""
    wanted = {network.external for network in stack.networks.values()} - {None}
    kept = {volume.external for volume in stack.volumes.values()} - {None}
    if not (wanted or kept):
        return frozenset()
    present = {str(entry["Name"]) for entry in networks}
    # The engine takes its own three by their names only.
    ids = tuple(str(entry["Id"]) for entry in networks if entry["Name"] not in ("bridge", "host", "none"))
    lost = {name for name in wanted if name not in present and not any(found.startswith(str(name)) for found in ids)}
    gone = kept - {entry["Name"] for entry in volumes}
    return frozenset({*(("network", str(name)) for name in lost), *(("volume", str(name)) for name in gone)})


def find_outer(stack: Stack, networks: Iterable[Listed]) -> dict[str, str]:
    """The ids of the external networks of `stack`, by what it calls them, which may be the beginning of an id."""
    wanted = {network.external for network in stack.networks.values()} - {None}
    if not wanted:
        return {}
    ids = {str(entry["Name"]): str(entry["Id"]) for entry in networks}
    by_id = {name: next((key for key in ids.values() if key.startswith(str(name))), "") for name in wanted}
    return {str(name): found for name in wanted if name and (found := ids.get(name) or by_id[name])}


def find_closed(outer: Mapping[str, str], networks: Iterable[Listed]) -> frozenset[str]:
    """Those of the external networks `outer` that are internal, where the engine publishes nothing."""
    internal = {str(entry["Id"]) for entry in networks if entry["Internal"]} if outer else set()
    return frozenset(name for name, network_id in outer.items() if network_id in internal)


def find_host_ports(stack: str, containers: Iterable[Listed]) -> dict[tuple[str, int, str], str]:
    """(address, port, protocol) of each host port that a container outside `stack` publishes, and its name."""
    return {
        (port.get("IP", "0.0.0.0"), port["PublicPort"], port["Type"]): name_container(entry)
        for entry in containers
        if not _is_own("container", stack, entry["Labels"] or {})
        for port in entry["Ports"] or ()
        if port.get("PublicPort")
    }


def find_foreign_binds(stack: Stack, containers: Iterable[Listed]) -> tuple[ForeignBind, ...]:
    """What sandboxes of other stacks have of this machine, where `stack` has something of it, too."""
    if not any(mount.kind == "bind" for sandbox in stack.sandboxes.values() for mount in sandbox.mounts):
        return ()
    found = {
        ForeignBind(source=os.path.realpath(mount["Source"]), owner=marks[labels.STACK], writable=bool(mount["RW"]))
        for entry in containers
        if (marks := entry["Labels"] or {}).get(labels.STACK, stack.name) != stack.name
        for mount in entry.get("Mounts") or ()
        if mount.get("Type") == "bind"
    }
    return tuple(sorted(found, key=lambda bind: (bind.source, bind.owner, bind.writable)))


def read_binds(entry: Listed) -> dict[str, str]:
    """Where on this machine what a listed container has of it lies, by its target.

    Older versions mounted by a link, and some engines call a folder otherwise than it is called here.
    """
    sources = {m["Destination"]: m.get("Source") or "" for m in entry.get("Mounts") or () if m.get("Type") == "bind"}
    return {target: os.path.realpath(source) for target, source in sources.items() if os.path.lexists(source)}


def is_free(entry: Listed) -> bool:
    """Whether a listed object has no label of a nexusctl."""
    return labels.STACK not in (entry["Labels"] or {})


def list_subnets(entry: Listed) -> Iterator[str]:
    """The IPv4 ranges of a listed network."""
    for config in (entry.get("IPAM") or {}).get("Config") or ():
        subnet = str(config.get("Subnet") or "")
        if subnet and ":" not in subnet:
            yield subnet


def read_network(entry: Listed, network: str, adopted: Adopted = "") -> LiveNetwork:
    """A listed network as that which the stack file calls `network`."""
    configs = (entry.get("IPAM") or {}).get("Config") or ()
    ipam: Listed = next((config for config in configs if ":" not in str(config.get("Subnet") or ":")), {})
    return LiveNetwork(
        id=entry["Id"],
        name=entry["Name"],
        network=network,
        internal=bool(entry["Internal"]),
        enable_ipv6=read_ipv6(entry),
        subnet=next(list_subnets(entry), ""),
        gateway=str(ipam.get("Gateway") or ""),
        ip_range=str(ipam.get("IPRange") or ""),
        fixed=labels.FIXED in (entry["Labels"] or {}),
        labels=read_labels(entry),
        adopted=adopted,
    )


def read_volume(entry: Listed, volume: str, adopted: Adopted = "") -> LiveVolume:
    """A listed volume as that which the stack file calls `volume`."""
    return LiveVolume(
        name=entry["Name"],
        volume=volume,
        driver=str(entry.get("Driver") or LOCAL),
        driver_opts=dict(entry.get("Options") or {}),
        labels=read_labels(entry),
        adopted=adopted,
    )


def read_labels(entry: Listed) -> dict[str, str]:
    """Those that are neither nexusctl's nor Docker's."""
    return {key: text for key, text in (entry["Labels"] or {}).items() if not key.startswith(labels.RESERVED)}


def read_ipv6(entry: Listed) -> bool | None:
    """Whether a listed network has IPv6; None where it has, and not by a word of nexusctl's."""
    return bool(entry.get("EnableIPv6")) and (True if labels.IPV6 in (entry["Labels"] or {}) else None)


def describe_owner(kind: str, marks: Mapping[str, str]) -> str:
    """A phrase that says to whom an object with these labels belongs."""
    if owner := marks.get(labels.STACK):
        return f"a {marks.get(labels.ROLE) or kind} of the stack {owner}"
    if project := marks.get("com.docker.compose.project"):
        return f"a {kind} of the compose project {project}"
    return f"a {kind} without nexusctl's labels"


def _is_own(kind: str, stack: str, marks: Mapping[str, str]) -> bool:
    role = "sandbox" if kind == "container" else kind
    return marks.get(labels.STACK) == stack and marks.get(labels.ROLE) == role


def read_networks(stack: str, entries: Iterable[Listed]) -> tuple[LiveNetwork, ...]:
    found = (
        read_network(entry, entry["Labels"].get(labels.NETWORK, ""))
        for entry in entries
        if (entry["Labels"] or {}).get(labels.STACK) == stack
    )
    return tuple(sorted(found, key=lambda network: (network.name, network.id)))


def read_volumes(marked: Iterable[Listed]) -> tuple[LiveVolume, ...]:
    found = (
        read_volume(entry, entry["Labels"].get(labels.VOLUME, ""))
        for entry in marked
        if entry["Labels"].get(labels.ROLE) == "volume"
    )
    return tuple(sorted(found, key=lambda volume: volume.name))
