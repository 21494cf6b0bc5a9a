"""(Stack, LiveState) -> Plan. Pure: no I/O, no clock, the same plan for the same values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nexusctl.errors import PlanError
from nexusctl.model.live import LiveSandbox, LiveState
from nexusctl.model.names import container_name
from nexusctl.model.plan import (
    CreateNetwork,
    CreateVolume,
    Plan,
    RemoveContainer,
    RemoveNetwork,
    RemoveOrphan,
    RemoveVolume,
    Step,
)
from nexusctl.model.stack import Stack
from nexusctl.plan.change import describe_changes
from nexusctl.plan.claim import Claim, settle_claims
from nexusctl.plan.conflict import find_conflicts
from nexusctl.plan.decision import Decision, Surroundings, decide
from nexusctl.plan.image import ImageChoice, choose_image, find_moved_image
from nexusctl.plan.network import engine_volumes, plan_networks
from nexusctl.plan.order import acyclic, order_steps
from nexusctl.plan.step import Scene, build_gates, build_steps, removal_id


def make_plan(stack: Stack, live: LiveState, in_place: frozenset[str], *, remove_volumes: bool = False) -> Plan:
    """The smallest change that makes `live` what `stack` says; `in_place` are the fields the engine changes in place.

    A stack without sandboxes yields the plan that destroys it; its volumes stay unless `remove_volumes`.
    Raises `PlanError` with every conflict at once.
    """
    claims = settle_claims(live.sandboxes, {name: container_name(stack.name, name) for name in stack.sandboxes})
    if conflicts := find_conflicts(stack, live, claims):
        raise PlanError(*conflicts)
    scene = _survey(stack, live, claims, in_place)
    changes = describe_changes(scene, remove_volumes=remove_volumes)
    steps = {step.id: step for step in _all_steps(scene, remove_volumes=remove_volumes)}
    return Plan(
        stack=stack.name,
        changes=changes,
        steps=order_steps(steps.values()) if changes else (),
        unchanged=tuple(name for name, decision in scene.decisions.items() if decision.action == "none"),
    )


def _survey(stack: Stack, live: LiveState, claims: Mapping[str, Claim], in_place: frozenset[str]) -> Scene:
    networks = plan_networks(stack, live)
    decisions: dict[str, Decision] = {}
    for name, sandbox in sorted(stack.sandboxes.items()):
        holder = claims[name].holder if name in claims else None
        around = Surroundings(
            name=container_name(stack.name, name),
            attachments=tuple(networks.attachments[network] for network in sandbox.networks),
            in_place=in_place,
            moved_image=find_moved_image(sandbox, stack, live, holder) if holder else None,
        )
        decisions[name] = decide(sandbox, claims.get(name, Claim()), around)
    volumes = engine_volumes(stack)
    present = {volume.name for volume in live.volumes}
    return Scene(
        stack=stack,
        live=live,
        networks=networks,
        volumes=volumes,
        missing_volumes=frozenset(
            name for name, volume in stack.volumes.items() if not volume.external and volumes[name] not in present
        ),
        claims=claims,
        decisions=decisions,
        images=_choose_images(stack, live, decisions),
    )


def _choose_images(stack: Stack, live: LiveState, decisions: Mapping[str, Decision]) -> dict[str, ImageChoice]:
    return {
        name: choose_image(decision.sandbox, stack, live)
        for name, decision in decisions.items()
        if decision.action in ("create", "replace", "rerun")
    }


def _all_steps(scene: Scene, *, remove_volumes: bool) -> Iterator[Step]:
    for choice in scene.images.values():
        yield from choice.steps
    for network in scene.networks.missing:
        attachment = scene.networks.attachments[network.name]
        yield CreateNetwork(
            id=f"network:{network.name}:create", subject=network.name, network=network, name=attachment.name
        )
    for name in sorted(scene.missing_volumes):
        yield CreateVolume(
            id=f"volume:{name}:create", subject=name, volume=scene.stack.volumes[name], name=scene.volumes[name]
        )
    removals = tuple(_removals(scene))
    yield from removals
    touching = []
    for decision in scene.decisions.values():
        own = tuple(build_steps(scene, decision))
        touching += [step.id for step in own]
        yield from own
    yield from build_gates(scene)
    undone = (*(step.id for step in removals), *touching)
    for excess in scene.networks.excess:
        yield RemoveNetwork(
            id=f"network:{excess.network}:remove:{excess.id[:12]}",
            subject=excess.network,
            needs=undone,
            network_id=excess.id,
            name=excess.name,
        )
    if remove_volumes:
        for volume in scene.live.volumes:
            yield RemoveVolume(
                id=f"volume:{volume.volume}:remove", subject=volume.volume, needs=undone, name=volume.name
            )
    for orphan in scene.live.orphans:
        yield RemoveOrphan(id=f"record:{orphan.name}:remove", subject=orphan.name, name=orphan.name)


def _removals(scene: Scene) -> Iterator[RemoveContainer]:
    """Containers of sandboxes that are no more, each after those that depend on it."""
    gone = [live for live in scene.live.sandboxes if live.sandbox not in scene.stack.sandboxes]
    dependents = acyclic(_dependents(gone))
    by_sandbox: dict[str, list[LiveSandbox]] = {}
    for live in gone:
        by_sandbox.setdefault(live.sandbox, []).append(live)
    for live in gone:
        first = [removal_id(other) for name in sorted(dependents[live.sandbox]) for other in by_sandbox[name]]
        yield RemoveContainer(
            id=removal_id(live),
            subject=live.sandbox,
            needs=tuple(sorted(first)),
            container_id=live.id,
            amendments=live.amendments,
        )


def _dependents(gone: list[LiveSandbox]) -> dict[str, frozenset[str]]:
    """Which of the sandboxes that go depend on each of them, by the records."""
    dependents: dict[str, set[str]] = {live.sandbox: set() for live in gone}
    for live in gone:
        for dependency in live.record.depends_on if live.record else ():
            if dependency.sandbox in dependents:
                dependents[dependency.sandbox].add(live.sandbox)
    return {name: frozenset(names) for name, names in dependents.items()}
