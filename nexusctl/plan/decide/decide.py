"""What is to become of each sandbox: decided one by one, from its claim, its record and its desired value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Literal

from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.live import HealthState, LiveSandbox
from nexusctl.model.plan.plan import Attachment, Cause, Difference
from nexusctl.model.stack import Sandbox
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.compare.claims import Claim
from nexusctl.plan.compare.drift import find_drift, is_cut_off
from nexusctl.plan.compare.fields import compare, take_recorded
from nexusctl.plan.compare.host_ports import want_same_port
from nexusctl.plan.compare.mount_sources import clashes, desired_sources, find_other_volumes, live_sources
from nexusctl.plan.compare.secrets import assume_unchanged
from nexusctl.plan.decide.expiry import find_hold, say_destroyed
from nexusctl.plan.decide.network_changes import (
    compare_networks,
    find_drifted_networks,
    find_renamed,
    find_unbound,
    find_unnamed,
    join_again,
)
from nexusctl.plan.decide.own_volumes import own_mounts
from nexusctl.plan.decide.rest import Rest, Restore, describe_state, find_rest, find_restore

_CUT_OFF = "the folder of its secrets was removed on the host, so it is restarted to get another one"
_UNSURE = "the record of its last change is lost or was never written, so all that changes in place is applied again"

_NAMES = ("name", "group")
"""What others find a sandbox by."""

Action = Literal["create", "replace", "rerun", "update", "start", "resume", "pause", "stop", "rename", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`action` is what a user calls it; the flags below it say what an `update`, `start` or `rename` consists of.

    After all of that it is brought to its `rest`. One that is `held` by somebody's word stays as it is, whatever the
    `differences`.
    """

    sandbox: Sandbox
    action: Action
    cause: Cause = "new"
    reason: str = ""
    holder: LiveSandbox | None = None
    differences: tuple[Difference, ...] = ()
    stop_first: bool = False
    carry: bool = False
    restore: Restore = ""
    rest: Rest = ""
    held: Hold | None = None
    rename: bool = False
    amend: bool = False
    connect: tuple[Attachment, ...] = ()
    disconnect: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionContext:
    """What a decision needs to know of the rest: the stack and the final name, the attachments, what changes in place.

    `obstacle` says why packages do not. `moved_image` is there where the reference that the holder was created from
    means another image by now. `one_name` is the engine's, see `LiveState`. A `forced` one is made anew in any case.
    `volumes` maps the volumes of the file to what the engine calls them, `networks` ids and engine's names of networks
    to their names in the file. `now` is the time of the look; `expired` says that it was destroyed after its lifetime,
    `pruned` that it was stopped on purpose, and its container is gone.
    """

    stack: str
    name: str
    attachments: tuple[Attachment, ...]
    in_place: frozenset[str]
    obstacle: str = ""
    moved_image: Difference | None = None
    one_name: bool = False
    forced: bool = False
    volumes: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    now: int = 0
    expired: Hold | None = None
    pruned: Hold | None = None


def decide(sandbox: Sandbox, claim: Claim, around: DecisionContext) -> Decision:
    """The decision for one desired sandbox. Its holder's record, where there is a holder, can be read."""
    holder = claim.holder
    if holder is None:
        if around.pruned and sandbox.state == "running" and sandbox.kind == "service" and not around.forced:
            # Whoever takes away what is stopped has not said that it is to run.
            return Decision(sandbox=sandbox, action="none", held=around.pruned)
        return _create(sandbox, claim, around.expired)
    assert holder.record is not None
    sandbox = leave_unprobed(assume_unchanged(sandbox, holder.record), holder.record, holder.health)
    differences = (
        *_find_other_name(holder, sandbox, around.in_place),
        *compare(holder.record, sandbox, around.in_place),
        *find_other_volumes(holder, sandbox, around.volumes),
    )
    if sandbox.state == "running" and (held := find_hold(sandbox, holder, around.now)):
        # Also where the file says something new of it: whoever stopped it says when it goes on.
        return Decision(sandbox=sandbox, action="none", holder=holder, differences=differences, held=held)
    if sandbox.kind == "service" and holder.gone:
        # Nothing is there that it could take the place of.
        reason = "it was a task, whose container is gone"
        return Decision(sandbox=sandbox, action="create", cause="changed", reason=reason, holder=holder)
    if sandbox.kind == "task":
        return _decide_task(sandbox, holder, differences, around)
    if around.forced:
        # Nothing else could be asked for by its name.
        return replace(_replace(sandbox, holder, differences, around), cause="asked", reason="somebody asked for it")
    return _decide_service(sandbox, holder, differences, around)


def leave_unprobed(sandbox: Sandbox, record: Sandbox, health: HealthState) -> Sandbox:
    """`sandbox` without the wish to switch off its image's health check where its container, by `health`, has none."""
    if not sandbox.image_health and record.health is None and health == "none":
        return replace(sandbox, image_health=record.image_health)
    return sandbox


def _create(sandbox: Sandbox, claim: Claim, expired: Hold | None) -> Decision:
    if expired:
        return Decision(sandbox=sandbox, action="create", cause="expired", reason=say_destroyed(expired))
    if claim.leftovers:
        return Decision(sandbox=sandbox, action="create", cause="partial", reason="its creation did not come to an end")
    origin = f"template {sandbox.template}" if sandbox.template else f"image {sandbox.image}"
    return Decision(sandbox=sandbox, action="create", reason=f"a {sandbox.kind} from {origin}")


def _decide_task(
    sandbox: Sandbox, holder: LiveSandbox, differences: tuple[Difference, ...], around: DecisionContext
) -> Decision:
    rerun: tuple[Cause, str] | None = None
    if holder.record is not None and holder.record.kind != "task":
        rerun = ("changed", "it was a service")
    elif holder.state in ("exited", "dead") and holder.exit_code != 0:
        rerun = ("failed", f"its last run exited with {holder.exit_code}")
    elif around.forced:
        rerun = ("asked", "somebody asked for it")
    elif sandbox.run == "always":
        rerun = ("run", "it runs at every apply")
    elif sandbox.run == "changed" and any(d.effect != "record" and d.field not in _NAMES for d in differences):
        rerun = ("changed", "it changed since its last run")
    if rerun:
        cause, reason = rerun
        return Decision(
            sandbox=sandbox, action="rerun", cause=cause, reason=reason, holder=holder, differences=differences
        )
    assert holder.record is not None
    # What it has not run as yet stays a difference, for the day when it is to run again after a change.
    records = tuple(d for d in differences if d.effect == "record" or d.field in _NAMES)
    rename = _is_misnamed(holder, around)
    recorded = replace(take_recorded(holder.record, sandbox), name=sandbox.name, group=sandbox.group)
    again = around.attachments if holder.state != "exited" and _is_renamed(holder, records) else ()
    connect, disconnect = join_again(holder, again, (), ())
    return _mend(recorded, holder, records, rename=rename, connect=connect, disconnect=disconnect)


def _decide_service(
    sandbox: Sandbox, holder: LiveSandbox, differences: tuple[Difference, ...], around: DecisionContext
) -> Decision:
    left = "networks" in sandbox.lifecycle.ignore
    connect, disconnect = ((), ()) if left else compare_networks(holder, around.attachments)
    changed = {difference.field for difference in differences}
    drift = (
        *((around.moved_image,) if around.moved_image else ()),
        *find_drift(sandbox, holder, around.in_place),
        *find_drifted_networks(holder, connect, disconnect, around.networks),
    )
    if sandbox.lifecycle.ignore:
        # See `plan.make_plan`.
        from nexusctl.plan.compare.ignore import without_ignored  # noqa: PLC0415 - deferred: start-up time

        drift = without_ignored(drift, sandbox)
    differences = (*differences, *(difference for difference in drift if difference.field not in changed))
    if around.one_name and (connect or disconnect or holder.state in ("exited", "created")):
        differences = (*differences, *find_unbound(holder, around.attachments))
    again = () if left else find_renamed(sandbox, holder, around.attachments, changed)
    unnamed = () if left else tuple(find_unnamed(holder, around.attachments, changed))
    differences = (*differences, *(difference for _, difference in unnamed))
    again = (*again, *(attachment for attachment, _ in unnamed if attachment not in again))
    again = around.attachments if _is_renamed(holder, differences) else again
    connect, disconnect = join_again(holder, again, connect, disconnect)
    if is_unsure(sandbox, holder) and "packages" not in around.in_place:
        differences = (*differences, *_unknown_packages(sandbox, holder))
    if holder.state in ("dead", "removing") or any(d.effect == "replace" for d in differences):
        return _replace(sandbox, holder, differences, around)
    return _mend(
        sandbox,
        holder,
        differences,
        restore=find_restore(sandbox, holder, cut_off=is_cut_off(holder, differences)),
        rest=find_rest(sandbox, holder),
        rename=_is_misnamed(holder, around),
        connect=connect,
        disconnect=disconnect,
    )


def _is_renamed(holder: LiveSandbox, differences: tuple[Difference, ...]) -> bool:
    """Whether others are to find it by a name that it did not have."""
    record = holder.record
    had = {record.name, record.group} if record else set()
    return not {d.after for d in differences if d.field in _NAMES} <= had


def _is_misnamed(holder: LiveSandbox, around: DecisionContext) -> bool:
    """A container that others find by its name alone keeps that: an alias cannot be added while it runs."""
    return holder.name != around.name and not holder.known_by_name and not holder.gone


def is_unsure(sandbox: Sandbox, holder: LiveSandbox) -> bool:
    """Whether all that changes in place is to be applied again. What a task has in it does not count any more."""
    return holder.unsure and sandbox.kind == "service"


def _unknown_packages(sandbox: Sandbox, holder: LiveSandbox) -> tuple[Difference, ...]:
    if not sandbox.packages and not (holder.record and holder.record.packages):
        return ()
    return (Difference(field="packages", before="not known", after="as the file says", cause="drifted"),)


def _replace(
    sandbox: Sandbox, holder: LiveSandbox, differences: tuple[Difference, ...], around: DecisionContext
) -> Decision:
    forcing = [d for d in differences if d.effect == "replace"]
    changed = any(d.cause == "changed" for d in forcing)
    reason = f"it is {holder.state}"
    if forcing:
        fields = _join([d.field for d in forcing])
        reason = (
            f"{fields} cannot {'change' if changed else 'be put right'} in a live container{_say_why(forcing, around)}"
        )
    return Decision(
        sandbox=sandbox,
        action="replace",
        cause="changed" if changed else "drifted",
        reason=reason,
        holder=holder,
        differences=differences,
        stop_first=_must_stop_first(sandbox, holder, around),
        carry=sandbox.on_replace == "preserve",
    )


def _say_why(forcing: list[Difference], around: DecisionContext) -> str:
    """Of fields that others change in a live container, unless what never does forces the same."""
    (field, *others) = {difference.field.partition(".")[0] for difference in forcing}
    if field == "packages" and around.obstacle and not others:
        return f", because {around.obstacle}"
    if field == "secrets" and not others:
        return ", because a folder for secrets is mounted at its creation"
    return ""


def _mend(
    sandbox: Sandbox,
    holder: LiveSandbox,
    differences: tuple[Difference, ...],
    *,
    restore: Restore = "",
    rest: Rest = "",
    rename: bool = False,
    connect: tuple[Attachment, ...] = (),
    disconnect: tuple[str, ...] = (),
) -> Decision:
    causes: list[tuple[Action, Cause, str]] = []
    # A state is told by what brings it about.
    told = [d for d in differences if d.field != "state" or not (restore or rest)]
    if told or connect or disconnect or holder.unsure:
        changed = any(d.cause == "changed" for d in differences)
        otherwise: Cause = "partial" if holder.unsure else "drifted"
        moved = f"it was {holder.moved_from}, and its container stays" if holder.moved_from else ""
        causes.append(("update", "changed" if changed else otherwise, _UNSURE if holder.unsure else moved))
    asked: Cause = "changed" if any(d.field == "state" for d in differences) else "drifted"
    # That the file wants another state is told by the difference.
    why = describe_state(holder) if asked == "drifted" else ""
    if restore and not rest:
        cut_off = is_cut_off(holder, differences) and not find_restore(sandbox, holder)
        verb: Action = "resume" if restore == "unpause" else "start"
        causes.append((verb, asked, _CUT_OFF if cut_off else why))
    if rest:
        causes.append((rest, asked, why))
    if rename and not holder.moved_from:
        # What is taken over was never called otherwise.
        meant: Cause = "changed" if holder.adopted == "new" else "drifted"
        causes.append(("rename", meant, f"it is called {holder.name}"))
    if not causes:
        return Decision(sandbox=sandbox, action="none", holder=holder)
    action, cause, _ = causes[0]
    return Decision(
        sandbox=sandbox,
        action=action,
        cause=cause,
        reason=_join([reason for _, _, reason in causes if reason]),
        holder=holder,
        differences=differences,
        restore=restore,
        rest=rest,
        rename=rename,
        amend=holder.unsure or any(d.cause == "changed" for d in differences),
        connect=connect,
        disconnect=disconnect,
    )


def find_void(decision: Decision) -> Hold | None:
    """The word that somebody has stopped it, where it runs again by now and nothing else is to be done."""
    holder = decision.holder
    return holder.hold if holder and decision.action == "none" and not decision.held else None


def _find_other_name(holder: LiveSandbox, sandbox: Sandbox, in_place: frozenset[str]) -> Iterator[Difference]:
    before = holder.record.name if holder.record else sandbox.name
    if before != sandbox.name:
        effect: Literal["in_place", "replace"] = "in_place" if "networks" in in_place else "replace"
        yield Difference(field="name", before=before, after=sandbox.name, effect=effect)


def _must_stop_first(sandbox: Sandbox, holder: LiveSandbox, around: DecisionContext) -> bool:
    """Whether old and new cannot run side by side.

    Both want a host port, may write to one volume or folder, or the new one gets the files as the old one left them.
    """
    record = holder.record
    if record is None or holder.state not in ("running", "paused", "restarting"):
        return False
    if sandbox.on_replace == "preserve":
        return True
    wanted = desired_sources(sandbox.mounts, around.stack, around.volumes)
    had = live_sources(holder, around.stack, around.volumes) if wanted else ()
    ports = want_same_port(sandbox, holder)
    return ports or bool(own_mounts(holder)) or any(clashes(one, other) for one in had for other in wanted)


def _join(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else ""
