"""From a scene to the ordered steps of the whole plan."""

from __future__ import annotations

from collections.abc import Iterator

from nexusctl.model.live import LiveSandbox
from nexusctl.model.plan import Step
from nexusctl.model.step import CreateNetwork, CreateVolume, RemoveContainer, RemoveNetwork, RemoveOrphan, RemoveVolume
from nexusctl.plan.order import acyclic, order_steps
from nexusctl.plan.scene import Scene
from nexusctl.plan.step import build_gates, build_steps, removal_id


def sequence_steps(scene: Scene, *, remove_volumes: bool) -> tuple[Step, ...]:
    """Every step that the scene calls for, each once, in one deterministic order."""
    steps = {step.id: step for step in _all_steps(scene, remove_volumes=remove_volumes)}
    return order_steps(steps.values())


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
        kind = "record" if orphan.kind == "amendment" else orphan.kind
        yield RemoveOrphan(id=f"{kind}:{orphan.name}:remove", subject=orphan.name, name=orphan.name, kind=orphan.kind)


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
