"""The networks and volumes that a stack declares."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingType
from dataclasses import replace

from nexusctl.config.build.environment import build_texts
from nexusctl.config.document.node import Mapping
from nexusctl.config.document.problems import Problems
from nexusctl.model.engine_names import NO_NETWORKS
from nexusctl.model.stack import DEFAULT_NETWORK, LOCAL, Network, Sandbox, Volume

_INSTEAD = {
    "default": "leave it out: every stack has a network `default` of its own; the engine's is called `bridge`",
    "host": "publish `ports`, or take `bridge`: no sandbox is in the network of this machine itself",
    "none": "leave it out, and write `networks: []` in the sandbox",
}


def declare_networks(document: Mapping, problems: Problems) -> dict[str, Network]:
    """The declared networks, and the private default network that every stack has."""
    networks = {DEFAULT_NETWORK: Network(name=DEFAULT_NETWORK)}
    for name, node in document.section("networks").items():
        values = node if isinstance(node, Mapping) else Mapping(node.source, node.line, node.column)
        internal, external = values.text("internal") or "", values.text("external")
        if external in NO_NETWORKS:
            summary = f"`{external}` is no network of the engine's that a sandbox can join"
            problems.add(values.values["external"], summary, _INSTEAD[external])
        if internal and external:
            hint = "whoever made the network decided that; remove `internal`"
            problems.add(values.keys["internal"], f"the external network `{name}` cannot be made internal here", hint)
        ipv6 = (values.text("enable_ipv6") or "").lower() == "true"
        if ipv6 and (internal.lower() == "true" or external):
            which = "external" if external else "internal"
            hint = "whoever made the network decided that" if external else "this machine would have an address in it"
            problems.add(
                values.keys["enable_ipv6"], f"the {which} network `{name}` gets no IPv6 here", f"{hint}; remove it"
            )
        _check_external(values, name, "network", ("subnet", "gateway", "ip_range", "labels"), problems)
        networks[name] = Network(
            name=name,
            subnet=values.text("subnet"),
            gateway=values.text("gateway"),
            ip_range=values.text("ip_range"),
            labels=build_texts(values, "labels", problems),
            internal=internal.lower() == "true",
            enable_ipv6=ipv6,
            shared=_read_shared(values, name, "network", problems),
            external=external,
        )
    if any(found.subnet or found.gateway or found.ip_range for found in networks.values()):
        # Few stack files say where a network has its addresses.
        from nexusctl.config.build.networks.addresses import check_addresses  # noqa: PLC0415 - deferred: start-up time

        check_addresses(document, problems)
    return networks


def declare_volumes(document: Mapping, problems: Problems) -> dict[str, Volume]:
    volumes = {}
    for name, node in document.section("volumes").items():
        values = node if isinstance(node, Mapping) else Mapping(node.source, node.line, node.column)
        shared = _read_shared(values, name, "volume", problems)
        _check_external(values, name, "volume", ("driver", "driver_opts", "labels"), problems)
        volumes[name] = Volume(
            name=name,
            driver=values.text("driver") or LOCAL,
            driver_opts=build_texts(values, "driver_opts", problems),
            labels=build_texts(values, "labels", problems),
            shared=shared,
            external=values.text("external"),
        )
    return volumes


def _check_external(values: Mapping, name: str, kind: str, keys: Iterable[str], problems: Problems) -> None:
    """What somebody else has made is as it is."""
    for key in keys:
        if "external" in values.values and key in values.keys:
            hint = f"whoever made the {kind} decided that; remove `{key}`"
            problems.add(values.keys[key], f"the external {kind} `{name}` takes no `{key}` here", hint)


def _read_shared(values: Mapping, name: str, kind: str, problems: Problems) -> bool:
    shared = (values.text("shared") or "").lower() == "true"
    if shared and "external" in values.values:
        hint = "write it in the stack file of whoever made it; remove it here"
        problems.add(values.keys["shared"], f"the external {kind} `{name}` is not this stack's to share", hint)
    return shared


def mark_shared(
    sandboxes: MappingType[str, Sandbox], networks: MappingType[str, Network], volumes: MappingType[str, Volume]
) -> MappingType[str, Sandbox]:
    """`sandboxes` with those of their networks and volumes that are shared: their records say so to other stacks."""
    shared = {f"network:{found.name}" for found in networks.values() if found.shared}
    shared |= {f"volume:{found.name}" for found in volumes.values() if found.shared}
    return {name: _mark(sandbox, shared) for name, sandbox in sandboxes.items()} if shared else sandboxes


def _mark(sandbox: Sandbox, shared: set[str]) -> Sandbox:
    used = {f"network:{name}" for name in sandbox.networks}
    used |= {f"volume:{mount.source}" for mount in sandbox.mounts if mount.kind == "volume"}
    return replace(sandbox, shares=tuple(sorted(used & shared)))
