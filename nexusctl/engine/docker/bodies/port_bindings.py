"""The ports of a container, as the engine is asked for them and says what it gave. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nexusctl.model.record import PORTS
from nexusctl.model.stack import Port

_LEAST_RANGE = 512
_ANY = "0.0.0.0"


def write_bindings(ports: Iterable[Port], wished: Iterable[Port] = ()) -> dict[str, list[dict[str, str]]]:
    """An empty host port asks the engine for a free one; those that are `wished` say which it is to try first."""
    first = {(p.container, p.protocol, p.address): p.host for p in wished}
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        host = str(port.host or _range_from(first.get((port.container, port.protocol, port.address))))
        bindings.setdefault(port_key(port), []).append({"HostIp": port.address, "HostPort": host})
    return bindings


def read_bindings(bindings: Mapping[str, Any] | None) -> Iterator[Port]:
    """What was asked for; a range, as an empty host port, leaves the choice to the engine."""
    for key, asked in sorted((bindings or {}).items()):
        for binding in asked or ():
            host = binding.get("HostPort") or ""
            yield _read(key, binding, int(host) or None if host.isdigit() else None)


def chooses_from_range(bindings: Mapping[str, Any] | None) -> bool:
    """Whether a range is among what was asked for, out of which the engine chooses."""
    return any("-" in (b.get("HostPort") or "") for asked in (bindings or {}).values() for b in asked or ())


def read_published(inspected: Mapping[str, Any]) -> tuple[Port, ...]:
    """What an inspected container publishes now."""
    published = (inspected.get("NetworkSettings") or {}).get("Ports") or {}
    return tuple(
        _read(key, binding, int(binding["HostPort"]))
        for key, given in sorted(published.items())
        for binding in given or ()
        if binding["HostPort"].isdigit()
    )


def port_key(port: Port) -> str:
    return f"{port.container}/{port.protocol}"


def _read(key: str, binding: Mapping[str, Any], host: int | None) -> Port:
    number, _, protocol = key.partition("/")
    return Port(
        container=int(number),
        host=host,
        address=binding.get("HostIp") or _ANY,
        protocol="udp" if protocol == "udp" else "tcp",
    )


def _range_from(first: int | None) -> str:
    """So that the engine gives `first`, or the next free one where somebody has that by now; empty for any.

    An engine goes on from the last number that it gave out of a range; one that nobody has asked for begins anew.
    A single number would bind the container for good, and let it not start where somebody has it.
    """
    if first is None or first + _LEAST_RANGE >= PORTS:
        return ""
    least = first + _LEAST_RANGE
    return f"{first}-{least + int.from_bytes(os.urandom(4)) % (PORTS - least)}"
