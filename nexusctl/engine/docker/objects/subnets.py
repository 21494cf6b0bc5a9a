"""Which IPv4 ranges networks may get, and which are in use: by the engine's networks and by this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects.ownership import list_subnets
from nexusctl.model.observed.address_space import AddressSpace
from nexusctl.plan.decide.subnets import DEFAULT_POOLS, VARIABLE, overlaps

_WIDEST_ROUTE = 8
"""Bits of a prefix. Wider routes, such as a VPN's to one half of all addresses, stand for the default one."""

Listed = Mapping[str, Any]


def read_address_space(
    wire: Wire, networks: Iterable[Listed], environ: Mapping[str, str] | None = None
) -> AddressSpace:
    """What `networks`, as the engine lists them, leave of the pools that NEXUS_SUBNETS names.

    Where the engine listens on this machine its routes and name servers count as well; of another machine they cannot
    be read.
    """
    used = [subnet for entry in networks for subnet in list_subnets(entry)]
    if is_local(wire):
        used += [route for route, _ in read_routes()] + list(read_name_servers())
    return AddressSpace(pools=read_pools(environ), used=tuple(dict.fromkeys(used)))


def read_pools(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The ranges that NEXUS_SUBNETS names, as they are written there, else the default ones."""
    text = (os.environ if environ is None else environ).get(VARIABLE, "")
    return tuple(text.replace(",", " ").split()) or DEFAULT_POOLS


def is_local(wire: Wire) -> bool:
    """Whether the engine runs where this program does, as far as its address tells."""
    return wire.endpoint.url.startswith("unix://")


def read_routes(path: Path = Path("/proc/net/route")) -> Iterator[tuple[str, str]]:
    """The IPv4 ranges that this machine has routes to, each with its interface; without the default ones."""
    for line in _read_lines(path)[1:]:
        interface, destination, _, _, _, _, _, mask, *_ = line.split()
        prefix = int(mask, 16).bit_count()
        if prefix >= _WIDEST_ROUTE:
            yield f"{_turn_around(destination)}/{prefix}", interface


def read_name_servers(path: Path = Path("/etc/resolv.conf")) -> Iterator[str]:
    """The IPv4 addresses of this machine's name servers, as ranges; they may lie behind the default route."""
    for line in _read_lines(path):
        words = line.split()
        if words[:1] == ["nameserver"] and len(words) > 1 and ":" not in words[1]:
            yield f"{words[1]}/32"


def find_routed(networks: Iterable[Listed], routes: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The networks of stacks in whose range a route of this machine leads elsewhere, such as a VPN's that came later.

    A phrase each.
    """
    known = list(routes)
    for entry in networks:
        if labels.STACK in (entry["Labels"] or {}):
            bridge = (entry["Options"] or {}).get("com.docker.network.bridge.name") or f"br-{entry['Id'][:12]}"
            for subnet in list_subnets(entry):
                elsewhere = ((route, way) for route, way in known if way != bridge and overlaps(subnet, route))
                for route, way in elsewhere:
                    yield f"network {entry['Name']} ({subnet}) lies in the way of the route to {route} by {way}"


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []


def _turn_around(hexadecimal: str) -> str:
    """The kernel prints the bytes of an address from the last to the first."""
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(hexadecimal)))
