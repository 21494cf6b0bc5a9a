"""The volumes that a sandbox has for itself, which pass from each of its containers to the next. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from nexusctl.model.engine_names import anonymous_volume, image_reference
from nexusctl.model.observed.live import LiveSandbox, LiveState, LiveVolume
from nexusctl.model.stack import Sandbox


def settle_own(live: LiveState) -> LiveState:
    """`live` with the sandboxes' own volumes called by whoever mounts them.

    What is written of them may name the sandbox as it was called before: labels cannot change.
    """
    if not any(volume.sandbox for volume in live.volumes):
        return live
    holders: dict[str, list[str]] = {}
    for found in sorted(live.sandboxes, key=lambda found: (found.partial, found.sandbox, found.id)):
        for target, name in own_mounts(found).items():
            holders.setdefault(name, []).append(anonymous_volume(found.sandbox, target))
    return replace(live, volumes=tuple(_settle(volume, holders.get(volume.name, ())) for volume in live.volumes))


def _settle(volume: LiveVolume, holders: Sequence[str]) -> LiveVolume:
    if not volume.sandbox or not holders or volume.volume in holders:
        return volume
    return replace(volume, volume=holders[0], misnamed=not volume.loose)


def group_own(live: LiveState) -> dict[str, dict[str, str]]:
    """The volumes that are there of each sandbox's own, by target; what it took along from another name comes first."""
    found: dict[str, dict[str, str]] = {}
    for volume in sorted(live.volumes, key=lambda volume: bool(volume.adopted) or volume.misnamed):
        if volume.sandbox:
            found.setdefault(volume.sandbox, {})[volume.target] = volume.name
    return found


def list_others(live: LiveState, sandbox: str) -> frozenset[str]:
    """The volumes that other sandboxes have for themselves."""
    return frozenset(volume.name for volume in live.volumes if volume.sandbox not in ("", sandbox))


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


def describe_own(
    live: LiveState, own: Mapping[str, Mapping[str, str]], sandbox: Sandbox, holder: LiveSandbox | None
) -> Iterator[tuple[str, str]]:
    """For the plan: what becomes of the volumes that a sandbox has for itself when it gets a container, by their names.

    Those that it neither had nor gets stay where they are, in silence.
    """
    mounted = own_mounts(holder) if holder else {}
    declared = {mount.target for mount in sandbox.mounts if mount.kind != "anonymous"}
    for target, name in sorted({**own.get(sandbox.name, {}), **mounted}.items()):
        had, gets = name in mounted.values(), _gets(live, sandbox, target)
        if had and target in declared:
            yield name, f"its own volume at {target} stays unmounted, as {name}; `destroy --volumes` removes it"
        elif had and gets is False:
            back = f'`volumes: ["{target}"]` mounts it again, `destroy --volumes` removes it'
            yield name, f"its volume at {target} stays unmounted, as {name}: {back}"
        elif had:
            unless = "" if gets else f" if its image has one there, and else stays unmounted, as {name}"
            yield name, f"its volume at {target} passes on to the new container{unless}"
        elif gets is not False and target not in declared:
            unless = "" if gets else " if its image has one there"
            yield name, f"it gets its volume at {target} again{unless}, which was kept as {name}"


def _gets(live: LiveState, sandbox: Sandbox, target: str) -> bool | None:
    """Whether the sandbox, or its image, says that it has a volume there; None where nobody has seen the image."""
    reference = image_reference(sandbox.image)
    if any(mount.target == target for mount in sandbox.mounts if mount.kind == "anonymous"):
        return True
    if reference in live.image_volumes:
        return target in live.image_volumes[reference]
    # Where nobody has looked, it is as it was.
    return True if reference in live.images else None


def describe_kept(live: LiveSandbox) -> Iterator[tuple[str, str]]:
    """For the plan: what stays of a container that goes, by its volumes' names."""
    for target, name in sorted(own_mounts(live).items()):
        yield name, f"its volume at {target} stays, as {name}; `destroy --volumes` removes it"
