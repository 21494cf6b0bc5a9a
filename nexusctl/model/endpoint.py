"""How the address of a port is written."""

from __future__ import annotations

import re

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")


def address(host: str, port: int, scheme: str) -> str:
    return f"{scheme}://{bracketed(host)}:{port}"


def bracketed(host: str) -> str:
    """An address as it stands before a port: those of IPv6 have colons themselves."""
    return f"[{host}]" if ":" in host else host


def is_host_name(text: str) -> bool:
    """Whether it is a name or an address of a machine as it stands in a URL, without a port."""
    return bool(_HOST.fullmatch(text))


def overlap(one: str, other: str) -> bool:
    """Whether a port on one address of this machine is the same on the other: all of its addresses are of one kind."""
    if (":" in one) != (":" in other):
        return False
    return one == other or not {"0.0.0.0", "::", ""}.isdisjoint((one, other))


def host_of(listens_on: str) -> str:
    """Where this machine reaches what listens on that address; all of one kind include the local one of that kind."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(listens_on, listens_on)


def scheme_of(port: int, protocol: str, http_port: int | None, *, probed: bool) -> str:
    """`http` where the health probe says so or no probe says otherwise, else the protocol.

    `http_port` is the port of an http probe; `probed` is whether there is a probe of any kind.
    """
    if protocol == "udp":
        return "udp"
    return "http" if port == http_port or not probed else "tcp"
