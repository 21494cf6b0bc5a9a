"""The way back: what the records said before a run, and the plan that leads there again. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TypeVar

from nexusctl.model.engine_names import container_name
from nexusctl.model.observed.live import LiveSandbox, LiveState, LiveVolume
from nexusctl.model.plan.plan import Change, DeriveImage, Omission, Plan, Step
from nexusctl.model.plan.step import AwaitHealthy, CreateContainer, RestoreContainer, UpdateContainer
from nexusctl.model.plan.step_id import kind_of
from nexusctl.model.secret import list_uses
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.model.uploads_and_packages import PackageSet, Upload
from nexusctl.plan.commands.basis import Basis
from nexusctl.plan.commands.target import leave_out
from nexusctl.plan.compare.claims import settle_claims
from nexusctl.plan.compare.declared_volumes import volumes_in_use
from nexusctl.plan.compare.moved import find_moves, reverse_moves
from nexusctl.plan.plan import make_plan

T = TypeVar("T")

_NEW = "it was not there before"
_DOWN = "it did not run before either"


def recall_stack(before: Basis) -> Stack:
    """The stack that the live sandboxes were before the run, by their records.

    A record knows of files only the digests, so their content is taken from the stack file where it is the same.
    """
    stack, live = before.stack, before.live
    records = {name: _as_mounted(found) for name, found in _find_holders(before).items() if found.record}
    moves = find_moves(stack, live)
    return replace(
        stack,
        sandboxes={
            name: _with_content(record, stack.sandboxes.get(moves.get(name, name))) for name, record in records.items()
        },
        moved=reverse_moves(moves),
        networks={**stack.networks, **{n.network: n.declare() for n in live.networks}},
        volumes={**stack.volumes, **{n: v.declare() for n, v in volumes_in_use(live).items() if _is_own(v, stack)}},
    )


def _is_own(volume: LiveVolume, stack: Stack) -> bool:
    declared = stack.volumes.get(volume.volume)
    return not volume.sandbox and not (declared and declared.external)


def _list_down(before: Basis) -> frozenset[str]:
    """The sandboxes that did not run before the run, or not well."""
    holders = _find_holders(before).items()
    return frozenset(name for name, live in holders if live.state != "running" or live.health == "unhealthy")


def _find_holders(before: Basis) -> dict[str, LiveSandbox]:
    found = before.live.sandboxes
    claims = settle_claims(found, {live.sandbox: container_name(before.stack.name, live.sandbox) for live in found})
    return {name: claim.holder for name, claim in claims.items() if claim.holder}


def plan_back(
    before: Basis,
    former: Stack,
    live: LiveState,
    touched: frozenset[str],
    in_place: frozenset[str],
    readable: Collection[str] = (),
) -> Plan:
    """The plan from `live` back to `former`, the stack of `before`, for the sandboxes in `touched`.

    `readable` are the digests of the secrets whose values are at hand. What did not run before is not started.
    `omitted` says that, and what cannot be undone: tasks have run, content that is known only by its digest is lost,
    and new volumes may hold data. Raises `PlanError`.
    """
    touched = touched | {move.target for move in former.moved if move.source in touched}
    plan = _leave_down(make_plan(former, live, in_place), touched & _list_down(before))
    foreign = {c.name: "" for c in plan.changes if c.kind == "sandbox" and c.name not in touched}
    back = leave_out(plan, foreign | _find_lost(plan, former, touched, readable))
    return replace(
        back,
        changes=tuple(
            replace(c, reason=_NEW) if c.kind == "sandbox" and c.cause == "removed" else c for c in back.changes
        ),
        omitted=(
            *(left for left in back.omitted if left.kind == "sandbox" and left.reason),
            *(_omit_volume(volume.volume) for volume in live.volumes if volume not in before.live.volumes),
        ),
    )


def _omit_volume(name: str) -> Omission:
    return Omission(action="remove", kind="volume", name=name, reason="it is new, and may hold data by now")


def _leave_down(plan: Plan, down: Collection[str]) -> Plan:
    """`plan` without the starts of those in `down`, except where files can only be put right in a running one."""
    needing = {s.subject for s in plan.steps if isinstance(s, UpdateContainer) and (s.delete or s.reactions)}
    dropped = {step.id for step in plan.steps if step.subject in down and step.subject not in needing and _starts(step)}
    if not dropped:
        return plan
    steps = tuple(
        replace(step, needs=tuple(need for need in step.needs if need not in dropped))
        for step in plan.steps
        if step.id not in dropped
    )
    left = {step.subject for step in plan.steps if step.id in dropped}
    idle = left - {step.subject for step in steps if kind_of(step.id) == "sandbox"}
    return replace(
        plan,
        steps=steps,
        changes=tuple(_stay_down(c) if _is_of(c, left) else c for c in plan.changes if not _is_of(c, idle)),
        omitted=(*plan.omitted, *(_omit(change) for change in plan.changes if _is_of(change, idle))),
    )


def _starts(step: Step) -> bool:
    return isinstance(step, AwaitHealthy) or (isinstance(step, RestoreContainer) and step.how != "unpause")


def _is_of(change: Change, names: Collection[str]) -> bool:
    return change.kind == "sandbox" and change.name in names


def _stay_down(change: Change) -> Change:
    action = "rename" if change.action == "start" else change.action
    return replace(change, action=action, notes=(*change.notes, f"{_DOWN}, so it is not started"))


def _omit(change: Change) -> Omission:
    return Omission(action=change.action, kind=change.kind, name=change.name, reason=_DOWN)


def _find_lost(plan: Plan, former: Stack, touched: frozenset[str], readable: Collection[str]) -> dict[str, str]:
    """Why each touched sandbox that cannot be brought back cannot be."""
    again = {c.name for c in plan.changes if c.kind == "sandbox" and c.action in ("create", "run")}
    tasks = {name for name, sandbox in former.sandboxes.items() if sandbox.kind == "task"}
    reasons = dict.fromkeys(sorted(again & tasks & touched), "it is a task, and what it did stays done")
    # One that was replaced on the way is none of these: its file had given up the protection that its record tells of.
    kept = [c.name for c in plan.changes if c.protected and c.action == "remove" and c.name in touched]
    reasons |= dict.fromkeys(kept, "it is new, and must not be destroyed")
    underived = {s.id for s in plan.steps if isinstance(s, DeriveImage) and any(map(_lacks_folder, s.packages))}
    for step in plan.steps:
        if isinstance(step, CreateContainer | UpdateContainer) and step.subject not in reasons:
            uploads = step.sandbox.uploads if isinstance(step, CreateContainer) else step.uploads
            if lost := [upload.target for upload in uploads if _lacks_content(upload)]:
                reasons[step.subject] = f"the former content of {', '.join(lost)} is known only by its digest"
            elif underived & set(step.needs) or _lacks_lock(step):
                reasons[step.subject] = "its former packages came from a lock file that has changed"
            elif former_secrets := _lost_secrets(step, readable):
                names = ", ".join(former_secrets)
                reasons[step.subject] = f"the former value of secret {names} is known only by its digest"
    return reasons


def _lost_secrets(step: CreateContainer | UpdateContainer, readable: Collection[str]) -> list[str]:
    env = step.sandbox.env if isinstance(step, CreateContainer) else {}
    files = step.sandbox.secrets if isinstance(step, CreateContainer) else step.secrets
    return sorted({use.secret for use in list_uses(env, files) if use.digest not in readable})


def _as_mounted(holder: LiveSandbox) -> Sandbox:
    """Its record, with folders of the host where they lay when it was made."""
    assert holder.record is not None
    if not holder.binds:
        return holder.record
    mounts = tuple(replace(mount, real=holder.binds.get(mount.target, "")) for mount in holder.record.mounts)
    return replace(holder.record, mounts=mounts)


def _with_content(record: Sandbox, desired: Sandbox | None) -> Sandbox:
    if desired is None:
        return record
    return replace(
        record,
        uploads=tuple(_find_equal(upload, desired.uploads) for upload in record.uploads),
        packages=tuple(_find_equal(chosen, desired.packages) for chosen in record.packages),
    )


def _find_equal(wanted: T, known: Iterable[T]) -> T:
    """The one of `known` that equals `wanted`: it says besides where the content lies."""
    return next((thing for thing in known if thing == wanted), wanted)


def _lacks_content(upload: Upload) -> bool:
    return upload.source is None and upload.content is None and any(file.kind == "file" for file in upload.files)


def _lacks_lock(step: CreateContainer | UpdateContainer) -> bool:
    return isinstance(step, UpdateContainer) and any(c.lock and _lacks_folder(c.wanted) for c in step.packages)


def _lacks_folder(chosen: PackageSet) -> bool:
    return bool(chosen.lock_files) and chosen.lock_folder is None and not chosen.lock_texts
