"""What a plan says of ports of this machine: who has them, and which an instance lacks or may move. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from nexusctl.model.endpoint import bracketed, overlap
from nexusctl.model.stack import Sandbox
from nexusctl.plan.decide.context import PlanContext
from nexusctl.plan.decide.decide import Decision
from nexusctl.plan.explain.volumes import enumerate_some
from nexusctl.plan.steps.kept_ports import keep_ports


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


def say_kept(scene: PlanContext, decision: Decision) -> Iterator[str]:
    """Of host ports that an engine has chosen, where a new container takes the place of the old one."""
    if decision.sandbox.state == "stopped":
        return
    kept = keep_ports(scene, decision)
    if kept:
        ports = enumerate_some([f"{port.host} for {port.container}" for port in kept])
        yield f"the host port stays the same unless somebody takes it meanwhile: {ports}"
    yield from say_moving(decision, "replacement", frozenset((p.container, p.protocol) for p in kept))


def say_moving(decision: Decision, occasion: str = "restart", kept: Collection[tuple[int, str]] = ()) -> Iterator[str]:
    """Of host ports that the engine chooses, and did before: it does so at every start."""
    record = decision.holder.record if decision.holder else None
    had = record.ports if record else ()
    chosen = [port for port in decision.sandbox.ports if port.host is None and port in had]
    if moving := [str(port.container) for port in chosen if (port.container, port.protocol) not in kept]:
        ports = enumerate_some(moving)
        yield f"with the {occasion} the host port for {ports} may become another one: name one to keep it"
