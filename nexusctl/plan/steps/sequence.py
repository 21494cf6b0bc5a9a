"""From a scene to the ordered steps of the whole plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from nexusctl.model.engine_names import volume_name
from nexusctl.model.observed.live import LiveNetwork, LiveSandbox, LiveVolume, Orphan
from nexusctl.model.plan.plan import Attachment, Step
from nexusctl.model.plan.step import (
    CreateNetwork,
    CreateVolume,
    RemoveContainer,
    RemoveNetwork,
    RemoveOrphan,
    RemoveVolume,
)
from nexusctl.model.plan.step_id import step_id
from nexusctl.plan.decide.context import PlanContext
from nexusctl.plan.decide.decide import find_void
from nexusctl.plan.steps.adopt import build_adoptions, release
from nexusctl.plan.steps.build import build_steps
from nexusctl.plan.steps.claim_volumes import claim_loose
from nexusctl.plan.steps.handover_steps import build_passings, find_passings
from nexusctl.plan.steps.ids import removal_id
from nexusctl.plan.steps.order import acyclic, order_steps
from nexusctl.plan.steps.removal import remove_container
from nexusctl.plan.steps.rest import rest_dependents_first
from nexusctl.plan.steps.waits import NOTHING, build_gates, find_gates, find_required


def sequence_steps(scene: PlanContext, *, remove_volumes: bool) -> tuple[Step, ...]:
    """Every step that the scene calls for, each once, in one deterministic order."""
    scene = replace(scene, required=find_required(scene))
    every = _all_steps(scene, remove_volumes=remove_volumes)
    if not remove_volumes and any(volume.loose or volume.misnamed for volume in scene.live.volumes):
        every = claim_loose(scene.live, tuple(every))
    if any(decision.sandbox.state != "running" for decision in scene.decisions.values()):
        every = rest_dependents_first(scene, every)
    steps: dict[str, Step] = {}
    for step in every:
        # A sandbox that is restarted waits for that, whoever waits for it.
        steps.setdefault(step.id, step)
    return order_steps(steps.values(), _find_wishes(scene))


def _find_wishes(scene: PlanContext) -> dict[str, frozenset[str]]:
    """What a group that keeps a member under another number goes without for a moment only if there is no other way.

    The one that stays gets its new name when those that come are there, and before those go that go.
    """
    wishes: dict[str, frozenset[str]] = {}
    for name, decision in scene.decisions.items():
        if decision.holder is None or not decision.holder.moved_from:
            continue
        group = decision.sandbox.group
        coming = [
            other for other, its in scene.decisions.items() if its.sandbox.group == group and its.action == "create"
        ]
        wishes[step_id("sandbox", name, "update")] = frozenset(
            step_id("sandbox", other, verb) for other in coming for verb in ("start", "ready")
        )
        own = frozenset(step_id("sandbox", name, verb) for verb in ("update", "rename", "ready"))
        for live in scene.live.sandboxes:
            if live.sandbox not in scene.stack.sandboxes and live.record and live.record.group == group:
                wishes[removal_id(live)] = own
    return wishes


def _all_steps(scene: PlanContext, *, remove_volumes: bool) -> Iterator[Step]:
    for choice in scene.images.values():
        yield from choice.steps
    for network in scene.networks.missing:
        attachment, old = scene.networks.attachments[network.name], scene.networks.renewed.get(network.name)
        yield CreateNetwork(
            id=step_id("network", network.name, "create"),
            subject=network.name,
            network=network,
            name=attachment.name,
            subnet=scene.networks.subnets.get(network.name, ""),
            sandboxes=scene.networks.sandboxes[network.name],
            **(_renew(scene, old) if old else {}),
        )
        if old and old.adopted:
            yield release("network", old.network, old.id, step_id("network", network.name, "create"))
    for name in sorted(scene.missing_volumes):
        yield CreateVolume(
            id=step_id("volume", name, "create"),
            subject=name,
            volume=scene.stack.volumes[name],
            name=scene.volumes[name],
        )
    adoptions = frozenset(step.id for step in build_adoptions(scene.live))
    yield from build_adoptions(scene.live)
    removals = tuple(_removals(scene))
    yield from removals
    gates, dispensable = find_gates(scene), _find_dispensable(scene)
    touching: dict[str, list[str]] = {}
    for name, decision in scene.decisions.items():
        own = tuple(build_steps(scene, decision, gates.get(name, NOTHING) | find_passings(scene, name) | adoptions))
        if spare := dispensable.get(name):
            own = tuple(replace(step, dispensable=tuple(spare & {*step.needs})) for step in own)
        touching[name] = [step.id for step in own]
        yield from own
    yield from build_gates(scene)
    yield from build_passings(scene)
    users = _Users(scene, touching)
    for excess in scene.networks.excess:
        yield RemoveNetwork(
            id=step_id("network", excess.network, "remove", excess.id),
            subject=excess.network,
            needs=users.of_network(excess),
            network_id=excess.id,
            name=excess.name,
        )
        if excess.adopted:
            yield release("network", excess.network, excess.id, step_id("network", excess.network, "remove", excess.id))
    if remove_volumes:
        for volume in scene.live.volumes:
            removal = step_id("volume", volume.volume, "remove")
            # Several containers may have had one at a target, and one of the file may have taken another's place.
            if volume.sandbox or volume.name != volume_name(scene.stack.name, volume.volume):
                removal += f":{volume.name}"
            yield RemoveVolume(
                id=removal,
                subject=volume.volume,
                needs=users.of_volume(volume),
                name=volume.name,
            )
            if volume.adopted:
                yield release("volume", volume.volume, volume.name, removal)
    yield from _leftovers(scene)


def _leftovers(scene: PlanContext) -> Iterator[Step]:
    void = (Orphan(kind="amendment", name=hold.name) for d in scene.decisions.values() if (hold := find_void(d)))
    for orphan in (*void, *scene.live.orphans):
        kind = "record" if orphan.kind == "amendment" else orphan.kind
        yield RemoveOrphan(
            id=step_id(kind, orphan.name, "remove"), subject=orphan.name, name=orphan.name, kind=orphan.kind
        )


def _find_dispensable(scene: PlanContext) -> dict[str, frozenset[str]]:
    """What each sandbox waits for and can do without, where there is anything of the kind."""
    decisions = scene.decisions.values()
    if all(dependency.required for decision in decisions for dependency in decision.sandbox.depends_on):
        return {}
    every, needed = find_gates(scene), find_gates(scene, required=True)
    return {name: waits - needed[name] for name, waits in every.items() if waits - needed[name]}


def _renew(scene: PlanContext, old: LiveNetwork) -> dict[str, Any]:
    """What a step has to know that removes `old` before it makes another of its name."""
    idle = [
        found for found in scene.live.idle if {old.id, old.name} & {*found.networks.keys(), *found.networks.values()}
    ]
    members = [found.id for found in (*scene.live.sandboxes, *idle) if old.id in found.networks]
    names = {f.id: (f.sandbox, f.record.group if f.record else f.sandbox) for f in idle}
    return {"old_id": old.id, "members": tuple(members), "idle": names}


class _Users:
    """Which steps part a live sandbox from its networks and volumes, so that each waits only for its own.

    Waiting for all of them would be simpler, but a stack of a thousand sandboxes may have a thousand volumes.
    """

    def __init__(self, scene: PlanContext, touching: Mapping[str, Iterable[str]]) -> None:
        self._networks: dict[str, set[str]] = {}
        self._volumes: dict[str, set[str]] = {}
        self._mounted: dict[str, set[str]] = {}
        self._unknown: set[str] = set()
        for live in scene.live.sandboxes:
            steps = (removal_id(live), *touching.get(live.sandbox, ()))
            # A container that never started may know its network by name only.
            for network in {*live.networks.keys(), *live.networks.values()}:
                self._networks.setdefault(network, set()).update(steps)
            for name in live.volumes.values():
                self._mounted.setdefault(name, set()).update(steps)
            for mount in live.record.mounts if live.record else ():
                self._volumes.setdefault(mount.source, set()).update(steps)
            if live.record is None:
                self._unknown.update(steps)

    def of_network(self, network: LiveNetwork) -> tuple[str, ...]:
        return tuple(self._networks.get(network.id, set()) | self._networks.get(network.name, set()))

    def of_volume(self, volume: LiveVolume) -> tuple[str, ...]:
        """Also those of sandboxes whose record cannot be read, which may use any."""
        own = self._mounted.get(volume.name, set())
        return tuple(own | self._volumes.get(volume.volume, set()) | self._unknown)


def _removals(scene: PlanContext) -> Iterator[RemoveContainer]:
    """Containers of sandboxes that are no more, each after those that depend on it."""
    gone = [live for live in scene.live.sandboxes if live.sandbox not in scene.stack.sandboxes]
    dependents = acyclic(_dependents(gone))
    by_sandbox: dict[str, list[LiveSandbox]] = {}
    for live in gone:
        by_sandbox.setdefault(live.sandbox, []).append(live)
    for live in gone:
        first = [removal_id(other) for name in sorted(dependents[live.sandbox]) for other in by_sandbox[name]]
        yield _see_off(scene, live, remove_container(live, needs=tuple(first)))


def _see_off(scene: PlanContext, live: LiveSandbox, step: RemoveContainer) -> RemoveContainer:
    """Where others of its group stay, nobody is to find it any more when it is stopped: they answer in its place."""
    group = live.record.group if live.record else ""
    stays = any(other.group == group for other in scene.stack.sandboxes.values())
    if not stays or live.state != "running":
        return step
    gone = {network.id for network in scene.networks.renewed.values()}
    left = (
        Attachment(network=name, name=name, id=key) for key, name in sorted(live.networks.items()) if key not in gone
    )
    return replace(step, networks=tuple(left), ports=live.ports)


def _dependents(gone: list[LiveSandbox]) -> dict[str, frozenset[str]]:
    """Which of the sandboxes that go depend on each of them, by the records."""
    dependents: dict[str, set[str]] = {live.sandbox: set() for live in gone}
    for live in gone:
        for dependency in live.record.depends_on if live.record else ():
            if dependency.sandbox in dependents:
                dependents[dependency.sandbox].add(live.sandbox)
    return {name: frozenset(names) for name, names in dependents.items()}
