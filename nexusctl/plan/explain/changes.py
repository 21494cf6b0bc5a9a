"""What a plan means to a person: one change an object, with its cause in words."""

from __future__ import annotations

from collections.abc import Iterator, Set

from nexusctl.model.engine_names import natural_key
from nexusctl.model.observed.live import LiveNetwork, LiveSandbox, LiveVolume
from nexusctl.model.plan.plan import BootstrapImage, Cause, Change, DeriveImage, ObjectKind, PullImage, Step
from nexusctl.model.stack import Network
from nexusctl.plan.compare.claims import Claim
from nexusctl.plan.decide.conflicts import say_whose
from nexusctl.plan.decide.context import PlanContext
from nexusctl.plan.decide.decide import Decision
from nexusctl.plan.decide.images import describe_packages
from nexusctl.plan.decide.own_volumes import describe_kept, describe_own
from nexusctl.plan.explain.host_ports import describe_host_ports, say_kept, say_moving
from nexusctl.plan.explain.in_place import describe_limits
from nexusctl.plan.explain.leftovers import describe_leftover, describe_void
from nexusctl.plan.explain.volumes import describe_volume, enumerate_some
from nexusctl.plan.steps.carry_over import describe_carrying


def describe_changes(scene: PlanContext, *, remove_volumes: bool) -> tuple[Change, ...]:
    """Images, networks, volumes, sandboxes, removals, each by name; empty where nothing is to be done."""
    return (
        *_adoptions(scene),
        *_images(scene),
        *_networks_and_volumes(scene),
        *_sandboxes(scene),
        *_removals(scene, remove_volumes=remove_volumes),
    )


def _adoptions(scene: PlanContext) -> Iterator[Change]:
    live = scene.live
    things: tuple[LiveSandbox | LiveNetwork | LiveVolume, ...] = (*live.sandboxes, *live.networks, *live.volumes)
    if any(thing.adopted == "new" for thing in things):
        # Few stacks take anything over.
        from nexusctl.plan.steps.adopt import describe_adoptions  # noqa: PLC0415 - deferred: start-up time

        yield from describe_adoptions(live)


def _images(scene: PlanContext) -> Iterator[Change]:
    users: dict[str, list[str]] = {}
    steps: dict[str, Step] = {}
    notes: dict[str, tuple[str, ...]] = {}
    for name, choice in sorted(scene.images.items()):
        for step in choice.steps:
            steps[step.id] = step
            users.setdefault(step.id, []).append(name)
            if isinstance(step, BootstrapImage):
                notes[step.id] = choice.notes
    for step_id, step in sorted(steps.items()):
        yield Change(
            action="create",
            kind="image",
            name=step.subject,
            reason=f"{_describe_image(step)}, for {enumerate_some(users[step_id])}",
            notes=notes.get(step_id, ()),
        )


def _describe_image(step: Step) -> str:
    match step:
        case DeriveImage():
            return f"{step.base} with {describe_packages(step.packages)}"
        case BootstrapImage():
            return "bootstrapped from distribution packages"
        case PullImage():
            return "pulled from its registry"
    raise AssertionError(step)


def _networks_and_volumes(scene: PlanContext) -> Iterator[Change]:
    for network in scene.networks.missing:
        yield _describe_network(scene, network)
    for volume in sorted(scene.missing_volumes):
        yield describe_volume(scene, volume)


def _describe_network(scene: PlanContext, network: Network) -> Change:
    name = scene.networks.attachments[network.name].name
    former = next((found for found in scene.live.networks if found.network == network.name), None)
    cause: Cause = "new"
    reason, notes = name, tuple[str, ...]()
    if former:
        why = "with room for more sandboxes"
        if former.internal != network.internal:
            why = "to be internal" if network.internal else "not to be internal any more"
        elif former.enable_ipv6 not in (None, network.enable_ipv6):
            why = f"with{'' if network.enable_ipv6 else 'out'} IPv6"
        elif not former.is_as(network):
            why = _describe_addresses(former, network)
        cause, reason = "changed", f"{name}, made anew {why}"
        notes = (_describe_move(network.name in scene.networks.renewed, scene.live.one_name),)
    elif _has_lost(scene, network.name):
        cause, reason = "drifted", f"{name}, which was there"
    return Change(
        action="create",
        kind="network",
        name=network.name,
        cause=cause,
        reason=reason,
        notes=notes,
        subnet=scene.networks.subnets.get(network.name, ""),
    )


def _describe_addresses(former: LiveNetwork, network: Network) -> str:
    wanted = {field: getattr(network, field) for field in ("subnet", "gateway", "ip_range")}
    other = (f"the {field} {text}" for field, text in wanted.items() if text not in (None, getattr(former, field)))
    return f"with {next(other, 'other labels')}"


def _describe_move(renewed: bool, one_name: bool) -> str:
    if renewed and not one_name:
        return "the old one goes first, for they share addresses: connections in it are cut for a moment"
    if renewed:
        return (
            "the old one goes first, for the engine has one network of a name: connections in it are cut for a moment"
        )
    return "sandboxes that stay move over, which cuts what is connected to them in the old one"


def _has_lost(scene: PlanContext, network: str) -> bool:
    """Whether somebody has removed it: sandboxes were in it, and in no other that the file called so."""
    moved = {d.field for decision in scene.decisions.values() for d in decision.differences if d.cause == "changed"}
    records = [live.record for live in scene.live.sandboxes if live.record]
    return any(network in record.networks for record in records) and f"networks.{network}" not in moved


def _sandboxes(scene: PlanContext) -> Iterator[Change]:
    for name, decision in sorted(scene.decisions.items(), key=lambda item: natural_key(item[0])):
        for leftover in scene.claims.get(name, Claim()).leftovers:
            yield describe_leftover(name, leftover)
        if decision.action != "none":
            yield _describe_decision(scene, decision)
        else:
            yield from describe_void(name, decision)


def _describe_decision(scene: PlanContext, decision: Decision) -> Change:
    assert decision.action != "none"
    own = dict(_describe_own(scene, decision))
    return Change(
        action="run" if decision.action == "rerun" else decision.action,
        kind="sandbox",
        name=decision.sandbox.name,
        group=decision.sandbox.group,
        cause=decision.cause,
        reason=decision.reason,
        moved_from=decision.holder.moved_from if decision.holder else "",
        differences=decision.differences,
        notes=(*_notes(scene, decision), *own.values(), *_last_notes(scene, decision)),
        volumes=tuple(own),
        leaving=decision.holder.id if decision.holder and _loses_files(decision) else "",
        protected=decision.action in ("replace", "rerun") and decision.sandbox.lifecycle.prevent_destroy,
    )


def _loses_files(decision: Decision) -> bool:
    return decision.action == "rerun" or (decision.action == "replace" and not decision.carry)


def _notes(scene: PlanContext, decision: Decision) -> Iterator[str]:
    unsure = decision.holder is not None and decision.holder.unsure
    if decision.action == "update" and (unsure or any(d.field.startswith("uploads.") for d in decision.differences)):
        yield from _upload_notes(decision)
    yield from describe_limits(decision)
    if decision.restore == "restart":
        yield from say_moving(decision)
    if decision.holder and decision.holder.moved_from and decision.disconnect:
        yield _describe_joining(decision)
    if decision.rest == "stop" and decision.holder and (passed := _describe_passed(scene, decision.holder)):
        yield f"it ends before {passed}"
    carried = decision.action == "replace" and decision.carry
    if carried:
        yield describe_carrying(scene, decision)
    if decision.holder and (carried or decision.action == "rerun"):
        if passed := _describe_passed(scene, decision.holder):
            yield f"the old container is stopped before {passed}"
    elif decision.action == "replace":
        yield _replace_note(scene, decision)
    if decision.action in ("replace", "rerun"):
        yield from say_kept(scene, decision)
    if decision.action in ("create", "replace"):
        yield from describe_host_ports(scene, decision.sandbox)
        yield from say_whose(scene.stack, scene.live, decision.sandbox) if scene.live.owners else ()


def _describe_own(scene: PlanContext, decision: Decision) -> Iterator[tuple[str, str]]:
    if decision.action in ("create", "replace", "rerun"):
        yield from describe_own(scene.live, scene.own, decision.sandbox, decision.holder)


def _last_notes(scene: PlanContext, decision: Decision) -> Iterator[str]:
    # One that somebody has stopped did not end by itself.
    if decision.restore and decision.holder and decision.holder.exit_code == 0 and not decision.holder.hold:
        yield "it has ended as a task does: where it is meant to end, say `kind: task`"
    if decision.action == "create" and len(scene.live.sandboxes) > 0:
        yield from _offer_move(scene, decision)


def _upload_notes(decision: Decision) -> Iterator[str]:
    # Most plans send no file.
    from nexusctl.plan.decide.upload_reactions import describe_reactions, find_reactions  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.plan.explain.interpreters import describe_stale  # noqa: PLC0415 - deferred: start-up time

    reactions = find_reactions(decision)
    yield from describe_reactions(reactions)
    if any(reaction.restart for reaction in reactions):
        yield from say_moving(decision)
    if not reactions and (stale := describe_stale(decision)):
        yield stale


def _describe_joining(decision: Decision) -> str:
    moving = any(port.host is None for port in decision.sandbox.ports)
    ports = ", and a host port without a number may change" if moving else ""
    return f"it joins its networks again to be found by its new name, which cuts open connections{ports}"


def _offer_move(scene: PlanContext, decision: Decision) -> Iterator[str]:
    """Where one that goes was just the same: what to write for it to stay under its new name."""
    if any(live.sandbox not in scene.stack.sandboxes for live in scene.live.sandboxes):
        # In most plans nobody goes.
        from nexusctl.plan.compare.renamed import find_former  # noqa: PLC0415 - deferred: start-up time

        if found := find_former(scene.stack, scene.live, decision.sandbox):
            before, after = found
            yield (
                f"if this is {before} under another name, write `moved: [{{from: {before}, to: {after}}}]`"
                " in the stack file, and its container stays"
            )


def _replace_note(scene: PlanContext, decision: Decision) -> str:
    if decision.holder and (passed := _describe_passed(scene, decision.holder)):
        return f"the old container is stopped before {passed}; its files are lost"
    if decision.sandbox.state == "stopped":
        return "the new container is not started, and the old one goes"
    if decision.stop_first:
        return "the old container is stopped first, because both need the same host port or volume"
    return "the new container comes up beside the old one, which goes when the new one is ready"


def _describe_passed(scene: PlanContext, holder: LiveSandbox) -> str:
    """Who gets what of a container, in words that follow `before`; empty where nobody gets anything."""
    passed = [handover for handover in scene.handovers if handover.holder.id == holder.id]
    takers = list(dict.fromkeys(handover.taker for handover in passed))
    if not passed:
        return ""
    things = " and ".join(dict.fromkeys(handover.what for handover in passed))
    verbs = ("starts", "gets") if len(takers) == 1 else ("start", "get")
    return f"{enumerate_some(takers)} {verbs[0]}, which {verbs[1]} its {things}"


def _why_gone(scene: PlanContext, live: LiveSandbox, groups: Set[str]) -> str:
    if not (scene.stack.sandboxes or scene.stack.declared):
        return "its stack is destroyed"
    if live.record and live.record.group != live.sandbox and live.record.group in groups:
        return f"the stack file has no such instance of {live.record.group}"
    return "it is not in the stack file"


def _removals(scene: PlanContext, *, remove_volumes: bool) -> Iterator[Change]:
    groups = {sandbox.group for sandbox in scene.stack.sandboxes.values()}
    for live in sorted(scene.live.sandboxes, key=lambda live: (natural_key(live.sandbox), live.id)):
        if live.sandbox not in scene.stack.sandboxes:
            kept = {} if remove_volumes else dict(describe_kept(live))
            protected = live.record is not None and live.record.lifecycle.prevent_destroy and not live.partial
            yield Change(
                action="remove",
                kind="sandbox",
                name=live.sandbox,
                group=live.record.group if live.record else "",
                cause="removed",
                reason=_why_gone(scene, live, groups),
                notes=(
                    *((f"it ends before {passed}",) if (passed := _describe_passed(scene, live)) else ()),
                    *kept.values(),
                ),
                volumes=tuple(kept),
                leaving=live.id,
                protected=protected,
            )
    for network in scene.networks.excess:
        taken = any(found.name == network.network for found in scene.networks.missing)
        reason = "another takes its place" if taken else "no sandbox needs it"
        yield Change(action="remove", kind="network", name=network.network, cause="removed", reason=reason)
    if remove_volumes:
        for volume in sorted(scene.live.volumes, key=lambda volume: volume.name):
            yield Change(
                action="remove",
                kind="volume",
                name=volume.volume,
                cause="removed",
                reason="its data is lost",
                volumes=(volume.name,),
            )
    reasons = {
        "amendment": "its container is gone",
        "courier": "it was left behind with secrets on it",
        "secrets": "they were left in memory, and their container is gone",
    }
    for orphan in scene.live.orphans:
        kind: ObjectKind = "record" if orphan.kind == "amendment" else orphan.kind
        yield Change(action="remove", kind=kind, name=orphan.name, cause="superseded", reason=reasons[orphan.kind])
