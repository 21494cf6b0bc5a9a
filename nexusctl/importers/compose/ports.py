"""Published ports of a service. Compose publishes on every address of the machine, so the draft says so too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from nexusctl.config.document.node import Mapping, Node, Scalar
from nexusctl.importers.compose.reader import Reader
from nexusctl.importers.compose.texts.variable_masks import ANY, UNKNOWN, mask

EVERYWHERE = "0.0.0.0"

_SHORT = re.compile(
    r"(?:(?:(?P<address>\[[0-9A-Fa-f:.]+\]|[0-9]+(?:\.[0-9]+){3}|V(?=:[^:]*:)):)?(?:(?P<host>[0-9]+(?:-[0-9]+)?|V)?:)?)?"
    r"(?P<container>[0-9]+(?:-[0-9]+)?)(?:/(?P<protocol>tcp|udp))?\Z".replace("V", ANY)
)


Drop = Callable[[str], None]
"""Says why the port that is read has no place."""


def read_ports(service: Reader, *, shared: bool) -> list[str]:
    """Each port as `address:host:container/protocol`, or without the host's where any will do.

    Ports of the host cannot be had where replicas would have `shared` them.
    """
    return [port for item in service.items("ports") for port in read_port(item, service, "ports", shared=shared)]


def read_port(item: Node, reader: Reader, key: str, *, shared: bool = False) -> Iterator[str]:
    """The ports that `item`, one of those under `key`, publishes; see `read_ports`."""

    def drop(reason: str) -> None:
        reader.drop_at(reader.path(key), reason, item)

    if isinstance(item, Mapping):
        yield from _read_long(item, reader, drop, shared)
        return
    text = reader.rewrite(item) if isinstance(item, Scalar) else ""
    masked = mask(text)
    if match := _SHORT.match(masked.text):
        address, protocol = masked.show(match["address"] or EVERYWHERE), match["protocol"] or "tcp"
        host = masked.show(match["host"]) if match["host"] else None
        yield from _spread(match["container"], host, (address, protocol), drop, shared)
    elif masked.variables:
        drop(UNKNOWN.format(text))
    else:
        drop(f"`{text}` is no port that a stack file takes")


def _read_long(item: Mapping, service: Reader, drop: Drop, shared: bool) -> Iterator[str]:
    port = service.inside("ports[]", item)
    target, published = port.text("target") or "", port.text("published")
    address, protocol = port.text("host_ip") or EVERYWHERE, port.text("protocol") or "tcp"
    if port.text("mode") not in (None, "host", "ingress"):
        port.drop("mode", "ports are published on the engine's host")
    port.finish({"name": "ports have no names here", "app_protocol": "nobody would read it"}, "it has no place")
    yield from _spread(target, published, (address, protocol), drop, shared)


def _spread(container: str, host: str | None, means: tuple[str, str], drop: Drop, shared: bool) -> Iterator[str]:
    """A range as single ports; `means` are the address and the protocol."""
    address, protocol = means
    inside = _range(container)
    # With 0 any free one is meant.
    outside = _range(host) if host and host != "0" else [""] * len(inside)
    if len(inside) != len(outside):
        drop(f"one of the range {host} goes to {container}; name one of them")
        outside = [""] * len(inside)
    elif shared and any(outside):
        drop(f"replicas cannot share the host port {host}; each gets a free one")
        outside = [""] * len(inside)
    address = f"[{address}]" if ":" in address and address[0] not in "[$" else address
    suffix = "" if protocol == "tcp" else f"/{protocol}"
    for number, published in zip(inside, outside, strict=True):
        yield f"{address}:{published}:{number}{suffix}"


def _range(text: str) -> list[str]:
    first, dash, last = text.partition("-")
    if not dash or not first.isdigit() or not last.isdigit():
        return [text]
    return [str(number) for number in range(int(first), int(last) + 1)][:1000]
