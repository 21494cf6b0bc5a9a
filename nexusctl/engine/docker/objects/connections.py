"""Who is connected to a container, and how it loses its names without losing them.

The kernel's tables of connections are read inside of it, so what stands there is hostile: bounded in bytes and time,
and anything odd counts as somebody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from nexusctl.engine.docker.bodies.create_body import endpoint, network_key
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import ROOT, run
from nexusctl.engine.docker.objects.containers import connect, disconnect
from nexusctl.errors import EngineError, EngineUnreachable
from nexusctl.model.plan.plan import Attachment

LOOK_TIMEOUT = 10.0
"""Seconds for a look at what the kernel has at hand; a busy machine takes five to start a command in a sandbox."""

MOST_BYTES = 1 << 20
"""Of the tables, which have 150 bytes a connection; whoever has more is busy."""

_TABLES = ("cat", "/proc/net/tcp", "/proc/net/tcp6")

_OVER = frozenset({"05", "06", "07", "0A"})
"""The kernel's numbers for FIN_WAIT2, TIME_WAIT, CLOSE and LISTEN: nothing is to be sent in these."""

_WORD = 8
_FIELDS = 4

Address = IPv4Address | IPv6Address
Range = IPv4Network | IPv6Network


def has_callers(wire: Wire, container_id: str, ports: Iterable[int]) -> bool:
    """See the port. What goes wrong but for an engine that is gone says nothing, so it means True."""
    try:
        places = _read_places(wire.get(f"/containers/{container_id}/json"))
        outcome = run(wire, container_id, _TABLES, user=ROOT, working_dir="/", timeout=LOOK_TIMEOUT, most=MOST_BYTES)
        # Without IPv6 there is one table alone, and a complaint.
        told = outcome.exit_code in (0, 1) and outcome.output.lstrip().startswith("sl ")
        return not told or any(_find_callers(outcome.output, {*ports}, *places))
    except EngineUnreachable:
        raise
    except (EngineError, ValueError, KeyError, TypeError):
        return True


def hide(wire: Wire, container_id: str, attachment: Attachment) -> None:
    """Leave a network and join it again without names, under the same address, by which open connections live on.

    An engine that refuses that, as where the range of the network was its own choice, gives another address.
    """
    key = network_key(attachment)
    fixed = _read_address(wire.get(f"/containers/{container_id}/json"), attachment)
    disconnect(wire, container_id, attachment.id or attachment.name)
    if fixed:
        body = {"Container": container_id, "EndpointConfig": {**endpoint(attachment, ()), "IPAMConfig": fixed}}
        try:
            wire.post(f"/networks/{key}/connect", body)
        except EngineUnreachable:
            raise
        except EngineError:
            disconnect(wire, container_id, attachment.id or attachment.name)
        else:
            return
    connect(wire, container_id, attachment, ())


def _read_address(inspected: Mapping[str, Any], attachment: Attachment) -> dict[str, str]:
    """What asks for the addresses that it has in the network."""
    for name, place in (inspected["NetworkSettings"]["Networks"] or {}).items():
        if attachment.id == place["NetworkID"] or (not attachment.id and name == attachment.name):
            found = {"IPv4Address": place.get("IPAddress"), "IPv6Address": place.get("GlobalIPv6Address")}
            return {key: str(value) for key, value in found.items() if value}
    return {}


def _read_places(inspected: Mapping[str, Any]) -> tuple[frozenset[Address], tuple[Range, ...]]:
    """The gateways of its networks, as which whoever comes through a port of the host may appear, and their ranges."""
    gateways: set[Address] = set()
    ranges: list[Range] = []
    for place in (inspected["NetworkSettings"]["Networks"] or {}).values():
        for gateway, own, length in (
            ("Gateway", "IPAddress", "IPPrefixLen"),
            ("IPv6Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen"),
        ):
            if place.get(gateway):
                gateways.add(ip_address(place[gateway]))
            if place.get(own):
                ranges.append(ip_network(f"{place[own]}/{place[length]}", strict=False))
    return frozenset(gateways), tuple(ranges)


def _find_callers(
    text: str, ports: Collection[int], gateways: Collection[Address], ranges: Collection[Range]
) -> Iterator[bool]:
    """A truth for each connection to one of `ports`: whether it comes from outside. Raises `ValueError`."""
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < _FIELDS or not fields[0].endswith(":"):
            continue
        (_, port), (remote, _), state = fields[1].split(":"), fields[2].split(":"), fields[3]
        if state not in _OVER and int(port, 16) in ports:
            caller = _read_hex(remote)
            inside = any(caller in known for known in ranges if known.version == caller.version)
            yield not caller.is_loopback and (caller in gateways or not inside)


def _read_hex(text: str) -> Address:
    """An address as the kernel writes it, in words of the machine's order, which is the little end first."""
    raw = b"".join(bytes.fromhex(text[at : at + _WORD])[::-1] for at in range(0, len(text), _WORD))
    found = ip_address(raw)
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
