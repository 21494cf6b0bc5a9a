"""What a sandbox waits for before it may start or change: the steps that bring its dependencies to their conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nexusctl.model.plan.plan import Step
from nexusctl.model.plan.step import AwaitExit, AwaitHealthy, Upstream
from nexusctl.model.plan.step_id import step_id
from nexusctl.model.stack import Dependency, Sandbox
from nexusctl.plan.decide.context import PlanContext
from nexusctl.plan.decide.decide import Decision
from nexusctl.plan.steps.order import sort_nodes

Gates = Mapping[str, frozenset[str]]
"""Ids of steps by the name of the sandbox that waits; those that name no step mean that nothing is to be done."""

NOTHING: frozenset[str] = frozenset()


def find_gates(scene: PlanContext, *, required: bool = False) -> Gates:
    """What each sandbox waits for, and what it passes on where it does not change: the order holds across it.

    With `required` only what it cannot do without.
    """
    unmet = _find_unmet(scene)
    depends_on = {
        name: tuple(d for d in _list_dependencies(scene, sandbox) if d.required or not required)
        for name, sandbox in scene.stack.sandboxes.items()
    }
    gates: dict[str, frozenset[str]] = {}
    for name in sort_nodes({name: {d.sandbox for d in own} for name, own in depends_on.items()}):
        gates[name] = _join([part for d in depends_on[name] for part in _parts(scene, d, unmet, gates)])
    return gates


def build_gates(scene: PlanContext) -> Iterator[Step]:
    """Waits for dependencies that are live and unchanged but not yet as their dependents need them."""
    for name in sorted(_find_unmet(scene)):
        holder = scene.decisions[name].holder
        assert holder is not None
        if scene.stack.sandboxes[name].kind == "task":
            yield AwaitExit(id=ready_id(name), subject=name, container_id=holder.id)
        else:
            sandbox = scene.stack.sandboxes[name]
            yield AwaitHealthy(id=ready_id(name), subject=name, container_id=holder.id, sandbox=sandbox, required=True)


def list_upstream(scene: PlanContext, sandbox: Sandbox) -> tuple[Upstream, ...]:
    """The services that have to be alive when `sandbox` starts: those that run, or are started before it."""
    wanted = (dependency for dependency in _list_dependencies(scene, sandbox) if dependency.required)
    return tuple(found for dependency in wanted if (found := _find_upstream(scene, dependency)))


def _list_dependencies(scene: PlanContext, sandbox: Sandbox) -> list[Dependency]:
    """A record may name one that is gone, or called otherwise since."""
    return [dependency for dependency in sandbox.depends_on if dependency.sandbox in scene.decisions]


def _find_upstream(scene: PlanContext, dependency: Dependency) -> Upstream | None:
    name = dependency.sandbox
    decision = scene.decisions[name]
    if decision.sandbox.kind == "task":
        return None
    if decision.action in ("create", "replace", "rerun"):
        return Upstream(name=name, created=step_id("sandbox", name, "create"))
    if decision.holder is None:
        # It was stopped on purpose, and is gone.
        return None
    if decision.restore:
        return Upstream(name=name, container_id=decision.holder.id, after=step_id("sandbox", name, "start"))
    return Upstream(name=name, container_id=decision.holder.id) if decision.holder.state == "running" else None


def find_required(scene: PlanContext) -> frozenset[str]:
    """The sandboxes that others wait for to be healthy."""
    return frozenset(
        dependency.sandbox
        for decision in scene.decisions.values()
        for dependency in decision.sandbox.depends_on
        if dependency.condition == "healthy"
    )


def ready_id(name: str) -> str:
    return step_id("sandbox", name, "ready")


def _join(parts: list[frozenset[str]]) -> frozenset[str]:
    """Most have one part, which is shared: a long chain of unchanged ones would take the square of its length."""
    whole = [part for part in parts if part]
    return whole[0] if len(whole) == 1 else NOTHING.union(*whole)


def _parts(
    scene: PlanContext, dependency: Dependency, unmet: frozenset[str], gates: Mapping[str, frozenset[str]]
) -> Iterator[frozenset[str]]:
    name = dependency.sandbox
    if scene.decisions[name].action == "none":
        # Not there for one in a circle of records, of which nobody can say who comes first.
        yield gates.get(name, NOTHING)
        yield frozenset({ready_id(name)}) if name in unmet and dependency.condition != "started" else NOTHING
        return
    holder = scene.decisions[name].holder
    # One that has ended again and again is believed when it has lived for a while.
    failing = holder is not None and holder.state == "restarting"
    waits = scene.decisions[name].action == "replace" or dependency.condition != "started" or failing
    verbs = ("start", "update", "clean", "rename", *(("ready",) if waits else ()))
    yield frozenset(step_id("sandbox", name, verb) for verb in verbs)


def _find_unmet(scene: PlanContext) -> frozenset[str]:
    return frozenset(need for decision in scene.decisions.values() for need in _unmet(scene, decision))


def _unmet(scene: PlanContext, decision: Decision) -> Iterator[str]:
    """Dependencies of a changing sandbox that no step of theirs brings to the condition, and that are not there yet."""
    if decision.action == "none":
        return
    for dependency in _list_dependencies(scene, decision.sandbox):
        other = scene.decisions[dependency.sandbox]
        if other.action in ("create", "rerun", "replace") or other.restore or other.holder is None:
            continue
        if other.held or other.sandbox.state != "running":
            # Nobody waits for what is not to run.
            continue
        met = {
            "started": True,
            "healthy": other.holder.health == "healthy",
            "completed": other.holder.exit_code is not None,
        }
        if not met[dependency.condition]:
            yield dependency.sandbox
