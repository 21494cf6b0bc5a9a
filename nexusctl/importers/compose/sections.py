"""What a Compose file says beside its services: networks, volumes, configs and secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nexusctl.config.document.node import Mapping, Node, Scalar
from nexusctl.config.trust.project_folder import why_outside
from nexusctl.importers.compose.context import ComposeContext
from nexusctl.importers.compose.reader import NO_MAPPING, Reader
from nexusctl.importers.compose.service_networks import BRIDGE
from nexusctl.importers.draft.draft import move_path
from nexusctl.importers.draft.secret_references import IN_TEXT, Secrets
from nexusctl.model.engine_names import NO_NETWORKS, network_name, volume_name
from nexusctl.model.observed.inspected_container import Project
from nexusctl.model.stack import DEFAULT_NETWORK

_OUTER = "compose-default"


def read_section(file: Reader, key: str) -> dict[str, Reader]:
    """Each entry of a section, an empty one where nothing is said about it."""
    below = file.below(key)
    if below is None:
        return {}
    nodes = below.node.values
    for name in nodes:
        if below.get(name) is not None and not isinstance(nodes[name], Mapping):
            below.drop(name, NO_MAPPING)
    return {
        name: below.inside(name, node if isinstance(node, Mapping) else Mapping(node.source, node.line, node.column))
        for name, node in nodes.items()
    }


def name_default_network(stack: str, live: Project) -> str:
    """What the draft calls the network of services that name none.

    It is the stack's own, unless the project's is called otherwise.
    """
    known = live.networks.get("default")
    return DEFAULT_NETWORK if known in (None, network_name(stack, DEFAULT_NETWORK)) else _OUTER


def read_volumes(file: Reader, around: ComposeContext) -> dict[str, Any]:
    """The section `volumes` of the draft."""
    if not around.live.services and (listed := file.below("volumes")):
        _warn_of_other_volumes(listed, around)
    return {
        fitted: _outside(
            name, volume, volume_name(around.stack, fitted), around.live.volumes.get(name), _read_volume(volume)
        )
        for name, volume in read_section(file, "volumes").items()
        for fitted in (around.volumes[name],)
    }


def _warn_of_other_volumes(listed: Reader, around: ComposeContext) -> None:
    """Where a name does not fit, what the project has written is in another volume than the stack's."""
    for name, fitted in around.volumes.items():
        here, there, node = volume_name(around.stack, fitted), f"{around.project}_{name}", listed.node.values[name]
        if here != there and not _is_external(node) and not (isinstance(node, Mapping) and node.get("name")):
            listed.drop(name, f"it is {here} on the engine; what is in {there} is kept with `--adopt`")


def read_networks(file: Reader, around: ComposeContext) -> dict[str, Any]:
    """The section `networks` of the draft."""
    found: dict[str, Any] = {}
    outer = around.networks[DEFAULT_NETWORK]
    if outer != DEFAULT_NETWORK:
        found[outer] = {"external": around.live.networks[DEFAULT_NETWORK]}
    for name, network in read_section(file, "networks").items():
        fitted = around.networks[name]
        own, live = network_name(around.stack, fitted), around.live.networks.get(name)
        settings = _outside(name, network, own, live, _read_kind(network))
        if settings and settings.get("external") in NO_NETWORKS:
            why = f"no sandbox joins the engine's `{settings['external']}`; it becomes a network of the stack's own"
            network.drop_at(f"networks.{name}", why, network.node)
            settings = None
        if name != DEFAULT_NETWORK:
            found[fitted] = settings
        elif settings and outer == DEFAULT_NETWORK:
            if "external" in settings:
                network.drop_at("networks.default", "the default network is always the stack's own", network.node)
            else:
                found[DEFAULT_NETWORK] = settings
    modes = (service.node.get("network_mode") for service in read_section(file, "services").values())
    if any(isinstance(mode, Scalar) and mode.text == "bridge" for mode in modes):
        found[around.networks[BRIDGE]] = {"external": "bridge"}
    return found


def find_outer(file: Reader, around: ComposeContext) -> frozenset[str]:
    """Which networks of the file, by Compose's names, will be external ones of the stack."""
    listed = file.below("networks")
    nodes = listed.node.values if listed else {}
    called = {name: around.live.networks.get(name) for name in (*nodes, DEFAULT_NETWORK)}
    return frozenset(
        name
        for name, live in called.items()
        if (name in nodes and name != DEFAULT_NETWORK and _is_external(nodes[name]))
        or live not in (None, network_name(around.stack, around.networks[name]))
    )


def find_closed(file: Reader, around: ComposeContext) -> frozenset[str]:
    """Which networks of the draft will be internal ones of the stack's own."""
    listed = file.below("networks")
    closed = (
        name
        for name, node in (listed.node.values.items() if listed else ())
        if name not in find_outer(file, around) and not _is_external(node) and _is_set(node, "internal")
    )
    return frozenset(around.networks[name] for name in closed)


def _is_set(node: Node, key: str) -> bool:
    value = node.get(key) if isinstance(node, Mapping) else None
    return isinstance(value, Scalar) and value.text.lower() in ("true", "yes")


_SOURCES = {"subnet": "ipam", "gateway": "ipam", "ip_range": "ipam"}
"""What a Compose file calls it, where that is something else."""


def _outside(
    name: str, entry: Reader, own: str, live: str | None, kind: dict[str, Any] | None = None
) -> dict[str, Any] | None:
    """What is said of a network or volume: where it comes from, if from outside, else of which `kind` it is.

    `own` is what the stack would call it, `live` what it is called already.
    """
    external = entry.get("external")
    named = entry.text("name")
    if isinstance(external, Mapping):
        named = entry.inside("external", external).text("name") or named
    is_external = isinstance(external, Mapping) or entry.flag("external")
    if named not in (None, own) and not is_external and not live:
        entry.drop("name", f"it is made anew and called STACK_{name}; make it `external: {named}` to use that one")
    entry.finish({}, "it has no place")
    if is_external:
        for key in dict.fromkeys(_SOURCES.get(key, key) for key in kind or ()):
            entry.drop(key, "an external one is as whoever made it has it")
        return {"external": named or name}
    if live and live != own:
        return {"external": live}
    return kind


def _read_kind(network: Reader) -> dict[str, Any] | None:
    internal, ipv6 = network.flag("internal"), network.flag("enable_ipv6")
    if internal and ipv6:
        network.drop("enable_ipv6", "an internal network has none: the engine's host would have an address in it")
    if network.text("driver") not in (None, "bridge"):
        network.drop("driver", "only the engine's own driver is used")
    kind = {"internal": True} if internal else {"enable_ipv6": True} if ipv6 else {}
    return {**kind, **_read_addresses(network), **_read_labels(network)} or None


def _read_addresses(network: Reader) -> dict[str, Any]:
    """Of several ranges the first one of IPv4."""
    ipam = network.below("ipam")
    if not ipam:
        return {}
    found: dict[str, Any] = {}
    for item in ipam.items("config"):
        config = ipam.inside("config", item) if isinstance(item, Mapping) else None
        subnet = config.text("subnet") if config else None
        if not config or found or not subnet or ":" in subnet:
            ipam.drop_at(ipam.path("config"), "a network has one IPv4 `subnet`; for IPv6 say `enable_ipv6`", item)
            continue
        chosen = {"subnet": _fit_range(subnet), "gateway": config.text("gateway")}
        chosen["ip_range"] = _fit_range(config.text("ip_range") or "")
        found = {key: text for key, text in chosen.items() if text}
        config.finish({}, "it has no place")
    if ipam.text("driver") not in (None, "default"):
        ipam.drop("driver", "only the engine's own driver is used")
    ipam.finish({}, "it has no place")
    return found


def _fit_range(text: str) -> str:
    """Docker takes an address in a range for the range."""
    # Few files say where a network has its addresses.
    from ipaddress import IPv4Network  # noqa: PLC0415 - deferred: start-up time

    try:
        return str(IPv4Network(text, strict=False))
    except ValueError:
        return text


def _read_volume(volume: Reader) -> dict[str, Any] | None:
    driver = volume.text("driver")
    options = {name: text or "" for name, text, _ in volume.pairs("driver_opts")}
    chosen = {"driver": driver if driver != "local" else None, "driver_opts": options}
    return {**{key: value for key, value in chosen.items() if value}, **_read_labels(volume)} or None


def _read_labels(entry: Reader) -> dict[str, Any]:
    found: dict[str, str] = {}
    for name, text, place in entry.pairs("labels"):
        if name.startswith(("dev.nexusctl.", "com.docker.")):
            entry.drop_at(f"{entry.path('labels')}.{name}", "such labels are kept for nexusctl and Docker", place)
        else:
            found[name] = text or ""
    return {"labels": found} if found else {}


def _is_external(node: Node) -> bool:
    external = node.get("external") if isinstance(node, Mapping) else None
    return isinstance(external, Mapping) or (isinstance(external, Scalar) and external.text.lower() == "true")


def read_configs(file: Reader, secrets: Secrets, origin: Path, target: Path) -> dict[str, dict[str, str]]:
    """The upload that each config is, without its target."""
    found: dict[str, dict[str, str]] = {}
    for name, entry in read_section(file, "configs").items():
        path, content = entry.text("file"), entry.text("content")
        if content is not None:
            found[name] = {"content": content}
            if secrets.seem_in(content):
                entry.drop("content", IN_TEXT)
        elif path and not _is_elsewhere(entry, origin / path) and (origin / path).exists():
            found[name] = {"source": move_path(path, origin, target)}
        entry.finish({}, "only a `file` or a `content` can be read here")
    return found


def _is_elsewhere(entry: Reader, path: Path) -> bool:
    """Whether a stranger's file looks for something that is none of its project's."""
    trust = entry.node.source.trust
    return trust.untrusted and bool(why_outside(path, trust.project))


def read_granted(file: Reader, secrets: Secrets, origin: Path, target: Path) -> dict[str, str]:
    """What each secret of the file is called in the draft, which declares it."""
    found = {}
    for name, entry in read_section(file, "secrets").items():
        path, variable = entry.text("file"), entry.text("environment")
        if path:
            found[name] = secrets.declare(name, {"file": move_path(path, origin, target)})
        elif variable:
            found[name] = secrets.declare(name, {"env": variable})
        entry.finish({}, "only a `file` or an `environment` can be read here")
    return found
