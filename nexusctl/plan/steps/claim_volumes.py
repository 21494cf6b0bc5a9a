"""Writing down whose a volume is of which only the container tells that mounts it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from nexusctl.model.observed.live import LiveState
from nexusctl.model.plan.plan import Step
from nexusctl.model.plan.step import AdoptObject, RemoveContainer, ReplaceContainer, UpdateContainer
from nexusctl.model.plan.step_id import step_id


def claim_loose(live: LiveState, steps: Iterable[Step]) -> Iterator[Step]:
    """`steps`, and before the end of each container one that writes down whose its loose volumes are.

    Without that nobody would find them again. Whose the misnamed ones are is written down before any change.
    """
    loose = {volume.name: volume for volume in live.volumes if volume.loose or volume.misnamed}
    mounts = {found.id: loose.keys() & set(found.volumes.values()) for found in live.sandboxes}
    claimed: set[str] = set()
    for step in steps:
        leaving, changing = _leaving(step), step.container_id if isinstance(step, UpdateContainer) else ""
        found = [name for name in mounts.get(leaving or changing, ()) if leaving or loose[name].misnamed]
        claimed.update(found)
        yield replace(step, needs=(*step.needs, *(_claim_id(name) for name in sorted(found)))) if found else step
    for name in sorted(claimed):
        yield AdoptObject(id=_claim_id(name), subject=loose[name].volume, kind="volume", key=name)


def _leaving(step: Step) -> str:
    if isinstance(step, ReplaceContainer):
        return step.old_id
    return step.container_id if isinstance(step, RemoveContainer) else ""


def _claim_id(name: str) -> str:
    return step_id("volume", name, "claim")
