"""The networks and volumes of what is live, as a stack file declares them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nexusctl.importers.draft.draft import Leftovers
from nexusctl.importers.draft.sandbox_to_yaml import escape
from nexusctl.model.stack import DEFAULT_NETWORK, LOCAL, Network, Stack


def read_networks(stack: Stack, leftovers: Leftovers) -> dict[str, Any]:
    joined = {name for sandbox in stack.sandboxes.values() for name in sandbox.networks}
    unknown = sorted(joined - stack.networks.keys() - {DEFAULT_NETWORK})
    for name in unknown:
        leftovers.add(
            f"networks.{name}", "it is one of several from outside of the stack; put its name on the engine in"
        )
    shared = _list_shared(stack)
    declared = {
        name: _network(found, shared)
        for name, found in sorted(stack.networks.items())
        if name != DEFAULT_NETWORK or _network(found, shared)
    }
    return {**declared, **{name: {"external": name} for name in unknown}}


def read_volumes(stack: Stack, leftovers: Leftovers) -> dict[str, Any]:
    mounted = {m.source for sandbox in stack.sandboxes.values() for m in sandbox.mounts if m.kind == "volume"}
    for name in sorted(mounted - stack.volumes.keys()):
        leftovers.add(f"volumes.{name}", "it comes from outside of the stack; put its name on the engine in")
    return {name: _volume(name, stack) for name in sorted(mounted | stack.volumes.keys())}


def _network(network: Network, shared: frozenset[str]) -> dict[str, Any] | None:
    if network.external:
        return {"external": network.external}
    settings = {
        "internal": network.internal,
        "enable_ipv6": network.enable_ipv6,
        "subnet": network.subnet,
        "gateway": network.gateway,
        "ip_range": network.ip_range,
        "labels": _escape(network.labels),
        "shared": network.shared or f"network:{network.name}" in shared,
    }
    return {key: value for key, value in settings.items() if value} or None


def _volume(name: str, stack: Stack) -> dict[str, Any] | None:
    external = stack.volumes[name].external if name in stack.volumes else name
    if external:
        return {"external": external}
    volume = stack.volumes[name]
    settings = {
        "driver": volume.driver if volume.driver != LOCAL else "",
        "driver_opts": _escape(volume.driver_opts),
        "labels": _escape(volume.labels),
        "shared": volume.shared or f"volume:{name}" in _list_shared(stack),
    }
    return {key: value for key, value in settings.items() if value} or None


def _escape(texts: Mapping[str, str]) -> dict[str, str]:
    return {key: escape(text) for key, text in texts.items()}


def _list_shared(stack: Stack) -> frozenset[str]:
    return frozenset(shared for sandbox in stack.sandboxes.values() for shared in sandbox.shares)
