"""What a listed container is attached to: the ports that it publishes, and its networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nexusctl.model.stack import Port


def read_ports(entry: Mapping[str, Any]) -> tuple[Port, ...]:
    """The ports that a listed container publishes now."""
    found = (
        Port(container=p["PrivatePort"], host=p["PublicPort"], address=p.get("IP", "0.0.0.0"), protocol=p["Type"])
        for p in entry["Ports"] or ()
        if p.get("PublicPort")
    )
    return tuple(sorted(found, key=lambda port: (port.container, port.protocol, port.address, port.host or 0)))


def read_attached(entry: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, str]:
    """Network ids to names. Before a container's first start the engine knows its networks by name only."""
    attached = (entry.get("NetworkSettings") or {}).get("Networks") or {}
    found = {(settings or {}).get("NetworkID") or ids.get(name, name): name for name, settings in attached.items()}
    found.pop(ids.get("none", "none"), None)
    return found
