"""What a plan says of ports of this machine: who has them, and which an instance lacks or may move. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from nexusctl.errors import Diagnostic
from nexusctl.model.endpoint import bracketed, overlap
from nexusctl.model.observed.live import LiveState
from nexusctl.model.stack import Network, Sandbox, Stack
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


def find_unpublished(stack: Stack, live: LiveState) -> Iterator[Diagnostic]:
    """A warning for each sandbox whose ports no network takes to this machine. What the file knows of it refuses."""
    for name, sandbox in sorted(stack.sandboxes.items()):
        joined = [stack.networks.get(network, Network(name=network)) for network in sandbox.networks]
        closed = [n.external in live.closed if n.external else n.internal for n in joined]
        if sandbox.ports and joined and all(closed):
            called = enumerate_some([network.external or network.name for network in joined])
            yield Diagnostic(
                f"{name}: none of its ports is published, because it is in internal networks only: {called}",
                sandbox=name,
                hint="add one that is not internal, such as `default`; siblings reach its ports without",
            )


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
