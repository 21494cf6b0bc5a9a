"""What is said of a volume that is to be made."""

from __future__ import annotations

from nexusctl.model.plan.plan import Change
from nexusctl.plan.compare.declared_volumes import compare_volume, volumes_in_use
from nexusctl.plan.decide.context import PlanContext


def describe_volume(scene: PlanContext, volume: str) -> Change:
    """Where it takes the place of another, that stays with what is in it."""
    name = scene.volumes[volume]
    if any(name in live.volumes.values() for live in scene.live.sandboxes):
        return Change(action="create", kind="volume", name=volume, cause="drifted", reason=f"{name}, which was there")
    former = volumes_in_use(scene.live).get(volume)
    before = _find_mounted(scene, volume) | ({former.name} if former else set())
    left = f", empty: what is in {enumerate_some(sorted(before))} stays there" if before else ""
    if former is None:
        return Change(action="create", kind="volume", name=volume, cause="new", reason=f"{name}{left}")
    field, _, after = next(compare_volume(former, scene.stack.volumes[volume]), ("its settings", "", "changed"))
    return Change(
        action="create",
        kind="volume",
        name=volume,
        cause="changed",
        reason=f"{name}, made anew with {field} {after}{left}",
        notes=(f"nothing moves over by itself: copy it, or go back to the former words and {former.name} is mounted",),
    )


def _find_mounted(scene: PlanContext, volume: str) -> set[str]:
    return {
        live.volumes[mount.target]
        for live in scene.live.sandboxes
        for mount in (live.record.mounts if live.record else ())
        if mount.source == volume and mount.target in live.volumes
    }


def enumerate_some(names: list[str], most: int = 4) -> str:
    """All of them, or as many and how many more there are."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
