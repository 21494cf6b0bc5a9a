"""Published ports, and the host ports that two sandboxes cannot share."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingType

from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.problems import Problems, note
from nexusctl.config.document.unique import keep_first
from nexusctl.model.endpoint import overlap
from nexusctl.model.stack import Network, Port, Sandbox
from nexusctl.model.values.late_regex import late_regex

_TEXT = late_regex(r"(?:(?:(?P<address>.+):)?(?P<host>[0-9]*):)?(?P<container>[0-9]+)(?:/(?P<protocol>tcp|udp))?\Z")
_IPV4 = late_regex(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!\Z)|\Z)){4}")

LOOPBACK = "127.0.0.1"

PlacedPort = tuple[Port, Node]


def build_ports(sandbox: Mapping, problems: Problems) -> list[PlacedPort]:
    """The ports of a sandbox, each with its place in the file."""
    node = sandbox.get("ports")
    items = node.items if isinstance(node, Sequence) else []
    built = ((_build_port(item, problems), item) for item in items)
    return keep_first(built, lambda port: port, lambda _: ("this port is published twice", "keep one"), problems)


def refuse_port_clashes(placed: Iterable[tuple[str, Port, Node]], problems: Problems) -> None:
    """Report host ports that two instances want; `placed` has (instance, port, place) in the order of the file."""
    wanted: dict[tuple[int, str], list[tuple[str, str, Node]]] = {}
    for instance, port, place in placed:
        if port.host is None:
            continue
        others = wanted.setdefault((port.host, port.protocol), [])
        other = next((other for other in others if overlap(other[1], port.address)), None)
        others.append((instance, port.address, place))
        if other is None:
            continue
        if other[2] is place:
            hint = f"leave the host port out, so that each gets a free one: `- {port.container}`"
            problems.add(place, f"`{other[0]}` and `{instance}` both want port {port.host} of this machine", hint)
        elif other[0] == instance:
            hint = "give one of them another host port, or leave it out for a free one"
            first = note("it takes it first here", other[2])
            problems.add(place, f"`{instance}` wants port {port.host} of this machine twice", hint, first)
        else:
            hint = "give one of them another host port, or leave it out for a free one"
            summary = f"`{instance}` wants port {port.host} of this machine, which `{other[0]}` has"
            problems.add(place, summary, hint, note(f"`{other[0]}` takes it here", other[2]))


def refuse_unpublished(
    sandbox: Sandbox, networks: MappingType[str, Network], places: Iterable[Node], problems: Problems
) -> None:
    """Report the ports of a sandbox that no network takes to this machine; `places` are those that its file names."""
    joined = [networks[name] for name in sandbox.networks if name in networks]
    if len(joined) != len(sandbox.networks) or not all(network.internal for network in joined):
        return
    for place in places:
        where = "is in internal networks only" if joined else "is in no network"
        hint = "add one that is not internal, such as `default`, or remove the port: siblings reach it without"
        problems.add(place, f"`{sandbox.group}` {where}, where no port is ever published", hint)


def _build_port(node: Node, problems: Problems) -> Port | None:
    if isinstance(node, Mapping):
        host = node.text("host")
        protocol, address = node.text("protocol") or "tcp", node.text("address") or LOOPBACK
        return _checked(node, node.text("container") or "", host, address, protocol, problems)
    match = _TEXT.match(node.text) if isinstance(node, Scalar) else None
    if not match:
        shown = node.text if isinstance(node, Scalar) else "this"
        problems.add(node, f"`{shown}` is no port", "write a decimal number such as `3000`")
        return None
    address = (match["address"] or LOOPBACK).strip("[]")
    return _checked(node, match["container"], match["host"] or None, address, match["protocol"] or "tcp", problems)


def _checked(
    node: Node, container: str, host: str | None, address: str, protocol: str, problems: Problems
) -> Port | None:
    numbers = [
        int(text, 0) if text.startswith(("0o", "0x")) else int(float(text)) for text in (container, host) if text
    ]
    if wrong := [number for number in numbers if not 1 <= number <= 65535]:
        problems.add(
            node, f"there is no port {wrong[0]}", "ports go from 1 to 65535; leave the host's out for a free one"
        )
        return None
    address = LOOPBACK if address == "localhost" else address
    if not _is_address(address):
        problems.add(node, f"`{address}` is no IP address", "write one such as `127.0.0.1` or `0.0.0.0`")
        return None
    return Port(
        container=numbers[0],
        host=numbers[1] if len(numbers) > 1 else None,
        address=address,
        protocol="udp" if protocol == "udp" else "tcp",
    )


def _is_address(text: str) -> bool:
    if ":" not in text:
        return _IPV4.match(text) is not None
    # Deferred: next to nobody publishes on an IPv6 address.
    import ipaddress  # noqa: PLC0415 - deferred: start-up time

    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
