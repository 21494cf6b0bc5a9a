"""Published ports of a service. Compose publishes on every address of the machine, so the draft says so too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nexusctl.config.node import Mapping, Node, Scalar
from nexusctl.imports.compose.reader import Reader

EVERYWHERE = "0.0.0.0"

_SHORT = re.compile(
    r"(?:(?:(?P<address>\[[0-9A-Fa-f:.]+\]|[0-9]+(?:\.[0-9]+){3}):)?(?:(?P<host>[0-9]+(?:-[0-9]+)?)?:)?)?"
    r"(?P<container>[0-9]+(?:-[0-9]+)?)(?:/(?P<protocol>tcp|udp))?\Z"
)


def read_ports(service: Reader) -> list[str]:
    """Each port as `address:host:container/protocol`, or without the host's where any will do."""
    return [port for item in service.items("ports") for port in _read_port(item, service)]


def _read_port(item: Node, service: Reader) -> Iterator[str]:
    if isinstance(item, Mapping):
        yield from _read_long(item, service)
        return
    text = service.rewrite(item) if isinstance(item, Scalar) else ""
    match = _SHORT.match(text)
    if not match:
        if "${" in text:
            yield text
        else:
            service.drop_at(f"{service.where}.ports", f"`{text}` is no port that a stack file takes", item)
        return
    address = match["address"] or EVERYWHERE
    yield from _spread(match["container"], match["host"], address, match["protocol"] or "tcp", item, service)


def _read_long(item: Mapping, service: Reader) -> Iterator[str]:
    port = service.inside("ports[]", item)
    target, published = port.text("target") or "", port.text("published")
    address, protocol = port.text("host_ip") or EVERYWHERE, port.text("protocol") or "tcp"
    if port.text("mode") not in (None, "host", "ingress"):
        port.drop("mode", "ports are published on the engine's host")
    port.finish({"name": "ports have no names here", "app_protocol": "nobody would read it"}, "it has no place")
    yield from _spread(target, published, address, protocol, item, service)


def _spread(
    container: str, host: str | None, address: str, protocol: str, place: Node, service: Reader
) -> Iterator[str]:
    """A range as single ports."""
    inside = _range(container)
    # With 0 any free one is meant.
    outside = _range(host) if host and host != "0" else [""] * len(inside)
    if len(inside) != len(outside):
        service.drop_at(
            f"{service.where}.ports", f"one of the range {host} goes to {container}; name one of them", place
        )
        outside = [""] * len(inside)
    suffix = "" if protocol == "tcp" else f"/{protocol}"
    for number, published in zip(inside, outside, strict=True):
        yield f"{address}:{published}:{number}{suffix}"


def _range(text: str) -> list[str]:
    first, dash, last = text.partition("-")
    if not dash or not first.isdigit() or not last.isdigit():
        return [text]
    return [str(number) for number in range(int(first), int(last) + 1)][:1000]
