"""The networks that a service joins, and what others call it there."""

from __future__ import annotations

from typing import Any

from nexusctl.config.document.node import Mapping as MappingNode
from nexusctl.importers.compose.context import ComposeContext
from nexusctl.importers.compose.reader import Reader
from nexusctl.model.stack import DEFAULT_NETWORK

_NO_PLACE = "it has no place in a stack file"
BRIDGE = "network_mode: bridge"
"""Stands among the names of networks for the engine's own, which no name of a file is like."""


def read_service_networks(own: str, service: Reader, around: ComposeContext) -> list[str] | dict[str, Any] | None:
    """None where the default network is meant, which a stack file need not name."""
    mode = service.text("network_mode")
    if mode == "none":
        return []
    if mode == "bridge":
        return [around.networks[BRIDGE]]
    if mode == "host":
        service.drop("network_mode", "no sandbox is in the network of its machine; it publishes its `ports` instead")
    elif mode not in (None, "default") and not mode.startswith("service:"):
        service.drop("network_mode", f"a sandbox cannot share the network of `{mode}`")
    joined = service.get("networks")
    below = service.below("networks") if isinstance(joined, MappingNode) else None
    names = list(below.node.values) if below else service.texts("networks")
    aliases: dict[str, list[str]] = {}
    if below:
        for name, value in below.node.values.items():
            below.get(name)
            if isinstance(value, MappingNode):
                settings = below.inside(name, value)
                aliases[name] = settings.texts("aliases")
                settings.finish({}, _NO_PLACE)
    names = names or ["default"]
    fitted = [around.networks.get(name, name) for name in names]
    # In a network that others share a sandbox bears its stack's name, and a service its own.
    called = {name: [*([own] if name in around.outer else []), *aliases.get(name, [])] for name in names}
    if any(called.values()):
        return {
            around.networks.get(name, name): {"aliases": list(dict.fromkeys(known))} if known else None
            for name, known in called.items()
        }
    return None if fitted == [DEFAULT_NETWORK] else fitted
