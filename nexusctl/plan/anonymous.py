"""The volumes that a sandbox has for itself, which pass from each of its containers to the next. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from nexusctl.model.live import LiveSandbox, LiveState, LiveVolume
from nexusctl.model.plan import Step
from nexusctl.model.stack import Sandbox
from nexusctl.model.step import AdoptObject, RemoveContainer, ReplaceContainer


def group_own(live: LiveState) -> dict[str, dict[str, str]]:
    """The volumes that are there of each sandbox's own, by target."""
    found: dict[str, dict[str, str]] = {}
    for volume in live.volumes:
        if volume.sandbox:
            found.setdefault(volume.sandbox, {})[volume.target] = volume.name
    return found


def find_own(own: Mapping[str, Mapping[str, str]], sandbox: Sandbox, holder: LiveSandbox | None) -> dict[str, str]:
    """By target, what the sandbox's container has for itself, and what is kept of former ones; `own` has all."""
    found = {**own.get(sandbox.name, {}), **(own_mounts(holder) if holder else {})}
    declared = {mount.target for mount in sandbox.mounts if mount.kind != "anonymous"}
    return {target: name for target, name in sorted(found.items()) if target not in declared}


def own_mounts(live: LiveSandbox) -> dict[str, str]:
    """The volumes of a container by target, without those that its record declares; none where that cannot be read."""
    if live.record is None:
        return {}
    declared = {mount.target for mount in live.record.mounts if mount.kind != "anonymous"}
    return {target: name for target, name in live.volumes.items() if target not in declared}


def describe_own(own: Mapping[str, Mapping[str, str]], sandbox: Sandbox, holder: LiveSandbox | None) -> Iterator[str]:
    """For the plan: what a new container gets of the volumes that its sandbox has for itself."""
    mounted = set(own_mounts(holder).values()) if holder else set()
    for target, name in find_own(own, sandbox, holder).items():
        if name in mounted:
            yield f"its volume at {target} passes on to the new container"
        elif holder is None:
            yield f"it gets its volume at {target} again, which was kept as {name}"


def describe_kept(live: LiveSandbox) -> Iterator[str]:
    """For the plan: what stays of a container that goes."""
    for target, name in sorted(own_mounts(live).items()):
        yield f"its volume at {target} stays, as {name}; `destroy --volumes` removes it"


def claim_loose(live: LiveState, steps: Iterable[Step]) -> Iterator[Step]:
    """`steps`, and before the end of each container one that writes down whose its loose volumes are.

    Without that nobody would find them again.
    """
    loose = {volume.name: volume for volume in live.volumes if volume.loose}
    mounts = {found.id: loose.keys() & set(found.volumes.values()) for found in live.sandboxes}
    claimed: set[str] = set()
    for step in steps:
        names = sorted(mounts.get(_leaving(step), ()))
        claimed.update(names)
        yield replace(step, needs=(*step.needs, *(_claim_id(loose[name]) for name in names))) if names else step
    for name in sorted(claimed):
        yield AdoptObject(id=_claim_id(loose[name]), subject=loose[name].volume, kind="volume", key=name)


def _leaving(step: Step) -> str:
    if isinstance(step, ReplaceContainer):
        return step.old_id
    return step.container_id if isinstance(step, RemoveContainer) else ""


def _claim_id(volume: LiveVolume) -> str:
    return f"volume:{volume.volume}:claim:{volume.name[:12]}"
