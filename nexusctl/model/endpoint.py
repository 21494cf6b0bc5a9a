"""How the address of a port is written."""

from __future__ import annotations


def address(host: str, port: int, scheme: str) -> str:
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def host_of(listens_on: str) -> str:
    """Where this machine reaches what listens on that address; all of its addresses include the local one."""
    return "127.0.0.1" if listens_on in ("0.0.0.0", "::", "") else listens_on


def scheme_of(port: int, protocol: str, http_port: int | None, *, probed: bool) -> str:
    """`http` where the health probe says so or no probe says otherwise, else the protocol.

    `http_port` is the port of an http probe; `probed` is whether there is a probe of any kind.
    """
    if protocol == "udp":
        return "udp"
    return "http" if port == http_port or not probed else "tcp"
