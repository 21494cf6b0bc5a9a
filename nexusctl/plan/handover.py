"""Host ports and names that pass from one sandbox to another: the one has to let go before the other gets it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from nexusctl.model.live import LiveSandbox, LiveState
from nexusctl.model.names import container_name
from nexusctl.model.value import dataclass
from nexusctl.plan.decision import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """The host port `port` that the container `holder` publishes and the sandbox `taker` is to have."""

    port: int
    holder: LiveSandbox
    taker: str


def find_handovers(live: LiveState, decisions: Mapping[str, Decision]) -> tuple[Handover, ...]:
    """Those of the sandboxes that start or start anew; what a sandbox keeps for itself is none."""
    wanted = {
        (port.host, port.protocol): name
        for name, decision in decisions.items()
        if decision.action in ("create", "replace") or decision.restore
        for port in decision.sandbox.ports
        if port.host
    }
    if not wanted:
        return ()
    return tuple(
        Handover(port=port.host, holder=found, taker=taker)
        for found in sorted(live.sandboxes, key=lambda found: found.id)
        for port in found.ports
        if port.host and (taker := wanted.get((port.host, port.protocol))) and taker != found.sandbox
    )


def find_squatters(stack: str, live: LiveState, decisions: Mapping[str, Decision]) -> dict[str, LiveSandbox]:
    """The containers that bear the name of another sandbox, by that one, where it is to get its name now."""
    wanted = {
        container_name(stack, name): name
        for name, decision in decisions.items()
        if decision.action in ("create", "replace", "rerun") or decision.rename
    }
    present = (*live.sandboxes, *live.idle)
    found = ((wanted[container.name], container) for container in present if container.name in wanted)
    return {name: container for name, container in found if container.sandbox != name}
