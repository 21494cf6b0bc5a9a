"""The steps by which names, host ports and what is written to pass from one sandbox to another, and who waits."""

from __future__ import annotations

from collections.abc import Iterator

from nexusctl.model.engine_names import container_name
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.plan.plan import Step
from nexusctl.model.plan.step import RenameContainer, StopContainer
from nexusctl.model.plan.step_id import step_id
from nexusctl.plan.decide.context import PlanContext
from nexusctl.plan.decide.decide import Decision
from nexusctl.plan.steps.ids import aside_id, removal_id, stop_id
from nexusctl.plan.steps.removal import choose_grace, choose_pre_stop


def build_passings(scene: PlanContext) -> Iterator[Step]:
    """Two sandboxes may each have what the other gets, so whoever has something that is needed lets go of it first."""
    for squatter in scene.squatters.values():
        name = f"{container_name(scene.stack.name, squatter.sandbox)}_{squatter.id[:12]}"
        yield RenameContainer(id=aside_id(squatter), subject=squatter.sandbox, container_id=squatter.id, name=name)
    takers: dict[str, set[str]] = {}
    for handover in scene.handovers:
        if _is_replaced(scene, handover.holder):
            takers.setdefault(handover.holder.sandbox, set()).add(handover.taker)
    for giver, names in sorted(takers.items()):
        holder = scene.decisions[giver].holder
        assert holder is not None
        # As late as the one allows that gets it.
        needs = tuple(step_id("sandbox", name, "create") for name in sorted(names))
        yield StopContainer(
            id=stop_id(giver),
            subject=giver,
            needs=needs,
            container_id=holder.id,
            grace=choose_grace(holder, scene.decisions[giver].sandbox),
            pre_stop=choose_pre_stop(holder),
        )


def find_passings(scene: PlanContext, name: str) -> frozenset[str]:
    """The steps that give the sandbox `name` what others had before: its name, host ports, volumes and folders."""
    found = {aside_id(scene.squatters[name])} if name in scene.squatters else set()
    for handover in scene.handovers:
        if handover.taker == name:
            stopped = _is_stopped(scene, handover.holder)
            found.add(stop_id(handover.holder.sandbox) if stopped else removal_id(handover.holder))
    return frozenset(found)


def _is_stopped(scene: PlanContext, holder: LiveSandbox) -> bool:
    """Whether it stays and is stopped, or is stopped before it is replaced; any other one goes."""
    decision = _find_decision(scene, holder)
    return decision is not None and (decision.action == "replace" or decision.rest == "stop")


def _is_replaced(scene: PlanContext, holder: LiveSandbox) -> bool:
    decision = _find_decision(scene, holder)
    return decision is not None and decision.action == "replace"


def _find_decision(scene: PlanContext, holder: LiveSandbox) -> Decision | None:
    """What is decided of its sandbox, where that is about this very container."""
    decision = scene.decisions.get(holder.sandbox)
    return decision if decision and decision.holder and decision.holder.id == holder.id else None
