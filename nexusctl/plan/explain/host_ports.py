"""What a plan says of ports of this machine: those that somebody has, and those that an instance cannot have. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from nexusctl.model.endpoint import bracketed, overlap
from nexusctl.model.stack import Sandbox
from nexusctl.plan.decide.context import PlanContext


def describe_host_ports(scene: PlanContext, sandbox: Sandbox) -> Iterator[str]:
    """A phrase for each that a new container of `sandbox` will not get, or gets another one for."""
    for port in sandbox.ports:
        for (address, number, protocol), owner in scene.live.host_ports.items() if port.host else ():
            if (number, protocol) == (port.host, port.protocol) and overlap(address, port.address):
                place = f"{bracketed(address)}:{number}"
                yield f"host port {place} is in use by {owner}: the start will fail until it is free"
    for port in scene.stack.freed_ports.get(sandbox.name, ()):
        freed = f"host port {port.host} becomes a free one, as this is an instance"
        yield f"{freed}; `nexusctl port {sandbox.name}` says which"
