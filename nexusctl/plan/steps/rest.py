"""The steps that stop or pause a sandbox, and what one that was made at rest still needs when it starts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from nexusctl.model.engine_names import container_name
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.plan.plan import Step
from nexusctl.model.plan.step import FirstStart, PauseContainer, StopContainer
from nexusctl.model.stack import Sandbox
from nexusctl.plan.decide.context import PlanContext
from nexusctl.plan.decide.rest import Rest
from nexusctl.plan.steps.ids import pause_id, removal_id, stop_id
from nexusctl.plan.steps.removal import choose_grace, choose_pre_stop
from nexusctl.plan.steps.waits import ready_id


def bring_to_rest(
    sandbox: Sandbox, rest: Rest, *, holder: LiveSandbox | None = None, created: str = "", needs: tuple[str, ...] = ()
) -> Iterator[Step]:
    """Stop or pause it when `needs` are done, and where there are none, when it is ready."""
    name, needs = sandbox.name, needs or (ready_id(sandbox.name),)
    if rest == "stop" and holder:
        yield StopContainer(
            id=stop_id(name),
            subject=name,
            needs=needs,
            container_id=holder.id,
            grace=choose_grace(holder, sandbox),
            pre_stop=choose_pre_stop(holder),
        )
    elif rest == "pause":
        found = holder.id if holder else ""
        yield PauseContainer(id=pause_id(name), subject=name, needs=needs, container_id=found, created=created)


def rest_dependents_first(scene: PlanContext, steps: Iterable[Step]) -> Iterator[Step]:
    """`steps`, where nobody is brought to rest before those that depend on it, and are or go, are."""
    before: dict[str, list[str]] = {}
    for other in scene.stack.sandboxes.values():
        for dependency in other.depends_on:
            before.setdefault(dependency.sandbox, []).extend((stop_id(other.name), pause_id(other.name)))
    for live in scene.live.sandboxes:
        for dependency in live.record.depends_on if live.record and live.sandbox not in scene.stack.sandboxes else ():
            before.setdefault(dependency.sandbox, []).append(removal_id(live))
    for step in steps:
        rests = isinstance(step, StopContainer | PauseContainer) and scene.decisions[step.subject].action != "replace"
        yield replace(step, needs=(*step.needs, *before.get(step.subject, ()))) if rests else step


def find_first_start(stack: str, sandbox: Sandbox, holder: LiveSandbox) -> FirstStart | None:
    """Of one that was made to be stopped, where something has to be done when it has started."""
    if holder.state != "created" or not sandbox.startup:
        return None
    return FirstStart(sandbox=sandbox, birth_name=holder.birth_name, name=container_name(stack, sandbox.name))
