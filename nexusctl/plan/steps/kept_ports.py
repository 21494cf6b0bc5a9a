"""Which host ports without a number in the file keep the one that they have, in the light of the whole stack. Pure."""

from __future__ import annotations

from nexusctl.model.stack import Port
from nexusctl.plan.compare.host_ports import find_chosen
from nexusctl.plan.decide.context import PlanContext
from nexusctl.plan.decide.decide import Decision


def stops_first(scene: PlanContext, decision: Decision) -> bool:
    """Whether a replacement ends the old container before the new one starts."""
    holder = decision.holder
    return decision.stop_first or any(holder and handover.holder.id == holder.id for handover in scene.handovers)


def keep_ports(scene: PlanContext, decision: Decision) -> tuple[Port, ...]:
    """Those for which the new container asks for the number of the old one, which has let go of it by then."""
    holder = decision.holder
    if holder is None or decision.action not in ("create", "replace", "rerun"):
        return ()
    if decision.action == "replace" and not stops_first(scene, decision):
        return ()
    if not (chosen := find_chosen(decision.sandbox, holder)):
        return ()
    fixed = [port for sandbox in scene.stack.sandboxes.values() for port in sandbox.ports if port.host]
    return find_chosen(decision.sandbox, holder, fixed) if fixed else chosen
