"""Taking over what somebody else made: what is said of it, and the steps. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Literal

from nexusctl.model.observed.live import LiveState
from nexusctl.model.plan.plan import Change, Omission, Plan, Step
from nexusctl.model.plan.step import AdoptContainer, AdoptObject, ReleaseObject, RenameContainer
from nexusctl.model.plan.step_id import follow_up_id
from nexusctl.plan.decide.birth_limits import say_of_changed
from nexusctl.plan.steps.ids import adoption_id

_TAKEN = ("adopt", "rename")


def describe_adoptions(live: LiveState) -> Iterator[Change]:
    """A change for each object that is to be taken over now."""
    for network in live.networks:
        if network.adopted == "new":
            yield Change(action="adopt", kind="network", name=network.network, reason=_reason(network.name))
    for volume in live.volumes:
        if volume.adopted == "new":
            yield Change(action="adopt", kind="volume", name=volume.volume, reason=_reason(volume.name))
    for found in live.sandboxes:
        if found.adopted == "new":
            yield Change(action="adopt", kind="sandbox", name=found.sandbox, reason=_reason(f"container {found.name}"))


def build_adoptions(live: LiveState) -> Iterator[Step]:
    for network in live.networks:
        if network.adopted == "new":
            yield _adopt("network", network.network, network.id)
    for volume in live.volumes:
        if volume.adopted == "new":
            yield _adopt("volume", volume.volume, volume.name)
    for found in live.sandboxes:
        if found.adopted == "new" and found.record is not None:
            yield AdoptContainer(
                id=adoption_id("sandbox", found.sandbox),
                subject=found.sandbox,
                container_id=found.id,
                sandbox=found.record,
            )


def only_takeover(plan: Plan, names: Collection[str], reason: str) -> Plan:
    """Of `plan` only that the sandboxes `names` are taken over, renamed, and with them what they use; `reason` says why
    the rest is left out.
    """
    steps = [step for step in plan.steps if _takes_over(step, names)]
    kept = {step.id for step in steps}
    changes = [c for c in plan.changes if c.action in _TAKEN and (c.kind != "sandbox" or c.name in names)]
    left = [change for change in plan.changes if change not in changes]
    part = replace(
        plan,
        changes=tuple(changes),
        steps=tuple(replace(step, needs=tuple(need for need in step.needs if need in kept)) for step in steps),
        omitted=tuple(Omission(action=c.action, kind=c.kind, name=c.name, reason=reason) for c in left),
        unread=(),
    )
    return say_of_changed(part)


def _takes_over(step: Step, names: Collection[str]) -> bool:
    return isinstance(step, AdoptObject) or (
        isinstance(step, AdoptContainer | RenameContainer) and step.subject in names
    )


def release(kind: Literal["network", "volume"], name: str, key: str, removal: str) -> ReleaseObject:
    """The step that forgets an adoption after the step `removal`."""
    return ReleaseObject(id=follow_up_id(removal, "release"), subject=name, needs=(removal,), kind=kind, key=key)


def _adopt(kind: Literal["network", "volume"], name: str, key: str) -> AdoptObject:
    return AdoptObject(id=adoption_id(kind, name), subject=name, kind=kind, key=key)


def _reason(name: str) -> str:
    return f"{name}, which somebody else made, is the stack's from now on"
