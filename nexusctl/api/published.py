"""Where the published ports of live sandboxes are reached. Changes nothing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from nexusctl.engine.base import Engine
from nexusctl.errors import EngineError
from nexusctl.model.endpoint import address, bracketed, host_of, scheme_of
from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.observed.published import Published
from nexusctl.model.plan.plan import Plan
from nexusctl.model.plan.step import RestoreContainer, UpdateContainer
from nexusctl.model.stack import Port


def find_moved(engine: Engine, chosen: Plan, live: LiveState) -> tuple[Published, ...]:
    """Ports without a number in the file that have another one since `chosen` started containers of `live` again.

    Engines choose anew at each start. What cannot be asked says nothing.
    """
    started = {
        step.container_id
        for step in chosen.steps
        if (isinstance(step, RestoreContainer) and step.how != "unpause")
        or (isinstance(step, UpdateContainer) and step.restarts)
    }
    found: list[Published] = []
    for holder in (holder for holder in live.sandboxes if holder.id in started):
        free = {(p.container, p.protocol) for p in holder.record.ports if p.host is None} if holder.record else set()
        with suppress(EngineError):
            now = engine.condition(holder.id).ports if free else ()
            moved = (p for p in now if (p.container, p.protocol) in free and p not in holder.ports)
            found += describe_ports(replace(holder, ports=tuple(moved)))
    return tuple(found)


def describe_ports(live: LiveSandbox) -> list[Published]:
    """What its health check asks by HTTP comes first."""
    health = live.record.health if live.record else None
    probed = health.http_port if health else None
    ports = sorted(live.ports, key=lambda port: (port.container != probed, port.container, port.protocol, port.address))
    return [_describe(live, port, probed) for port in ports if port.host]


def _describe(live: LiveSandbox, port: Port, probed: int | None) -> Published:
    host = host_of(port.address)
    known = live.record is None or live.record.health is not None
    scheme = scheme_of(port.container, port.protocol, probed, probed=known)
    return Published(
        sandbox=live.sandbox,
        port=f"{port.container}/{port.protocol}",
        place=f"{bracketed(host)}:{port.host}",
        url=address(host, port.host or 0, scheme),
    )
