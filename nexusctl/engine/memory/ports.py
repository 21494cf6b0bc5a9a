"""Host ports: who has which, and which one is next."""

from __future__ import annotations

import itertools
from dataclasses import replace

from nexusctl.engine.memory.world import MemoryContainer, World
from nexusctl.errors import EngineError
from nexusctl.model.stack import Port

FIRST_FREE_PORT = 32768


def foreign_ports(world: World, stack: str) -> dict[tuple[str, int, str], str]:
    """The host ports that containers of other stacks publish, each with the container's name."""
    return {
        (p.address, p.host, p.protocol): c.name
        for c in world.containers.values()
        if c.stack != stack
        for p in c.ports
        if p.host
    }


def publish(world: World, container: MemoryContainer) -> tuple[Port, ...]:
    """The ports that `container` gets when it starts. Raises `EngineError` for one that somebody has."""
    used = {*world.host_ports, *foreign_ports(world, stack="")}
    found = []
    wished = {(p.container, p.protocol, p.address): p.host for p in container.placement.ports}
    for port in container.sandbox.ports:
        first = wished.get((port.container, port.protocol, port.address)) or FIRST_FREE_PORT
        host = port.host or next(n for n in itertools.count(first) if (port.address, n, port.protocol) not in used)
        if (port.address, host, port.protocol) in used:
            raise EngineError(f"{port.address}:{host} failed: port is already allocated", status=500)
        used.add((port.address, host, port.protocol))
        found.append(replace(port, host=host))
    return tuple(sorted(found, key=lambda p: (p.container, p.protocol, p.address, p.host or 0)))
