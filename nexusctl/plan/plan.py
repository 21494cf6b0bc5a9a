"""(Stack, LiveState) -> Plan. Pure: no I/O, no clock, the same plan for the same values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from nexusctl.errors import Diagnostic, PlanError
from nexusctl.model.engine_names import container_name
from nexusctl.model.lifetime import has_lifetime
from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.plan.plan import Held, Lifetime, Plan, Step
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.plan.compare.claims import Claim, settle_claims
from nexusctl.plan.compare.declared_volumes import engine_volumes
from nexusctl.plan.compare.moved import follow_moves
from nexusctl.plan.compare.secrets import assume_unchanged, find_unread
from nexusctl.plan.decide.birth_limits import find_come, find_from_settings, find_unlimited, find_watched, keep_limits
from nexusctl.plan.decide.conflicts import find_conflicts, find_unprobed
from nexusctl.plan.decide.context import PlanContext
from nexusctl.plan.decide.decide import Decision, DecisionContext, decide
from nexusctl.plan.decide.handovers import find_bereft, find_handovers, find_squatters
from nexusctl.plan.decide.images import ImageChoice, choose_image, find_moved_image
from nexusctl.plan.decide.networks import call_networks, plan_networks
from nexusctl.plan.decide.own_volumes import group_own, settle_own
from nexusctl.plan.explain.changes import describe_changes


def make_plan(
    stack: Stack,
    live: LiveState,
    in_place: frozenset[str],
    *,
    remove_volumes: bool = False,
    forced: frozenset[str] = frozenset(),
) -> Plan:
    """The smallest change that makes `live` what `stack` says; `in_place` are the fields the engine changes in place.

    The sandboxes in `forced` are made anew in any case. A stack without sandboxes yields the plan that destroys it; its
    volumes stay unless `remove_volumes`.
    Raises `PlanError` with every conflict at once.
    """
    live = _active(stack, settle_own(follow_moves(stack, live)))
    claims = settle_claims(live.sandboxes, {name: container_name(stack.name, name) for name in stack.sandboxes})
    if conflicts := find_conflicts(stack, live, claims):
        raise PlanError(*conflicts)
    in_place = in_place if live.limits_storage else in_place | {"storage"}
    kept = keep_limits(stack, claims)
    scene = _survey(_leave_ignored(kept, claims), stack, live, claims, in_place, forced)
    if scene.stack is not kept:
        _refuse_kept_ports(scene)
    if live.unprobed and (unprobed := tuple(find_unprobed(stack, live, _find_kept_checks(scene.decisions)))):
        raise PlanError(*unprobed)
    if scene.networks.missing and (full := tuple(_find_full(scene))):
        raise PlanError(*full)
    changes = describe_changes(scene, remove_volumes=remove_volumes)
    return Plan(
        stack=stack.name,
        changes=changes,
        steps=_sequence(scene, remove_volumes=remove_volumes) if changes else (),
        unchanged=tuple(
            n for n, decision in scene.decisions.items() if decision.action == "none" and not decision.held
        ),
        unread=find_unread(stack.sandboxes.values()),
        unreduced=_find_unreduced(scene.decisions),
        unlimited=find_unlimited(scene.decisions),
        watched=find_watched(scene.decisions, in_place),
        settings=find_from_settings(scene.decisions),
        held=tuple(_find_held(scene.decisions)),
        lifetimes=_find_lifetimes(scene),
    )


def _find_held(decisions: Mapping[str, Decision]) -> Iterator[Held]:
    for name, decision in decisions.items():
        if hold := decision.held:
            changes = any(difference.cause == "changed" for difference in decision.differences)
            yield Held(
                name=name,
                state=hold.state,
                user=hold.user,
                since=hold.since,
                changes=changes,
                expired=hold.by_lifetime,
                idle=hold.idle,
                gone=decision.holder is None,
            )


def _find_lifetimes(scene: PlanContext) -> tuple[Lifetime, ...]:
    """Of those that stay: a new container has a new one."""
    kept = {n: d for n, d in scene.decisions.items() if d.holder and d.action not in ("create", "replace", "rerun")}
    if not scene.live.observed_at or not any(has_lifetime(d.sandbox) for d in kept.values()):
        return ()
    # Most sandboxes have none.
    from nexusctl.plan.explain.lifetimes import find_lifetimes  # noqa: PLC0415 - deferred: start-up time

    holders = {name: decision.holder for name, decision in kept.items() if decision.holder}
    sandboxes = {name: decision.sandbox for name, decision in kept.items()}
    return tuple(find_lifetimes(sandboxes, holders, scene.live.observed_at))


def _find_unreduced(decisions: Mapping[str, Decision]) -> tuple[str, ...]:
    """Nothing is replaced for it alone. What was taken over is as somebody else has made it."""
    kept = {name: d.holder for name, d in decisions.items() if d.action not in ("create", "replace", "rerun")}
    return tuple(n for n, h in kept.items() if h and not (h.reduced or h.adopted or h.gone or h.state == "exited"))


def _active(stack: Stack, live: LiveState) -> LiveState:
    """`live` with what belongs to sandboxes whose profile was not asked for set apart: it keeps its host ports."""
    if not stack.inactive:
        return live
    idle = tuple(found for found in live.sandboxes if _is_idle(stack, found))
    held: dict[tuple[str, int, str], str] = {
        (p.address, p.host, p.protocol): found.name for found in idle for p in found.ports if p.host
    }
    return replace(
        live,
        sandboxes=tuple(found for found in live.sandboxes if found not in idle),
        idle=idle,
        host_ports={**live.host_ports, **held},
    )


def _is_idle(stack: Stack, found: LiveSandbox) -> bool:
    if found.moved_from:
        return found.sandbox not in stack.sandboxes
    return (found.record.group if found.record else found.sandbox) in stack.inactive


def _leave_ignored(stack: Stack, claims: Mapping[str, Claim]) -> Stack:
    if not any(sandbox.lifecycle.ignore for sandbox in stack.sandboxes.values()):
        return stack
    # Few stacks ignore anything, and the others do not wait for it.
    from nexusctl.plan.compare.ignore import leave_ignored  # noqa: PLC0415 - deferred: start-up time

    return leave_ignored(stack, claims)


def _refuse_kept_ports(scene: PlanContext) -> None:
    # See `_leave_ignored`.
    from nexusctl.plan.compare.ignore import find_kept_ports  # noqa: PLC0415 - deferred: start-up time

    if conflicts := tuple(find_kept_ports(decision.sandbox for decision in scene.decisions.values())):
        raise PlanError(*conflicts)


def _find_kept_checks(decisions: Mapping[str, Decision]) -> frozenset[str]:
    """The sandboxes whose container stays and checks its health, whoever has made it so."""
    kept = {name: d.holder for name, d in decisions.items() if d.action not in ("create", "replace", "rerun")}
    return frozenset(name for name, holder in kept.items() if holder and holder.health != "none")


def _find_full(scene: PlanContext) -> Iterator[Diagnostic]:
    """Networks that cannot be made, for nothing is left where they could get their addresses, or others are there."""
    if scene.live.addresses is None:
        return
    # See `_leave_ignored`.
    from nexusctl.plan.decide.subnets import find_clash, say_full  # noqa: PLC0415 - deferred: start-up time

    for name, subnet in sorted(scene.networks.subnets.items()):
        if not subnet:
            summary, hint = say_full(scene.networks.attachments[name].name, scene.live.addresses)
            yield Diagnostic(summary, hint=hint)
    for network in (network for network in scene.networks.missing if network.subnet):
        old = scene.networks.renewed.get(network.name)
        if clash := find_clash(scene.live.addresses, network.subnet or "", old.subnet if old else ""):
            summary = (
                f"network {network.name}: its subnet {network.subnet} shares addresses with {clash}, which is in use"
            )
            yield Diagnostic(summary, hint="name a free range, or leave `subnet` out: then nexusctl chooses one")


def _sequence(scene: PlanContext, *, remove_volumes: bool) -> tuple[Step, ...]:
    # A plan that changes nothing is made in less time than these take to load.
    from nexusctl.plan.steps.sequence import sequence_steps  # noqa: PLC0415 - deferred: start-up time

    return sequence_steps(scene, remove_volumes=remove_volumes)


def _survey(
    stack: Stack,
    file: Stack,
    live: LiveState,
    claims: Mapping[str, Claim],
    in_place: frozenset[str],
    forced: frozenset[str],
) -> PlanContext:
    """`file` is the stack as it is written; in `stack` fields that are ignored are as they were recorded."""
    networks, volumes = plan_networks(stack, live), engine_volumes(stack, live)
    called = call_networks(stack, live)
    decisions: dict[str, Decision] = {}
    for name, sandbox in sorted(stack.sandboxes.items()):
        holder = claims[name].holder if name in claims else None
        obstacle = _find_obstacle(in_place, sandbox, stack, holder)
        around = DecisionContext(
            stack=stack.name,
            name=container_name(stack.name, name),
            attachments=networks.join(sandbox),
            one_name=live.one_name,
            forced=name in forced,
            in_place=in_place - {"packages"} if obstacle else in_place,
            obstacle=obstacle,
            moved_image=find_moved_image(sandbox, stack, live, holder) if holder else None,
            volumes=volumes,
            networks=called,
            now=live.observed_at,
            expired=live.expired.get(name),
            pruned=live.pruned.get(name),
        )
        decisions[name] = decide(sandbox, claims.get(name, Claim()), around)
        if sandbox is not file.sandboxes[name] and decisions[name].action in ("create", "replace", "rerun"):
            decisions[name] = replace(decisions[name], sandbox=_renew(file.sandboxes[name], sandbox, holder))
            come = tuple(find_come(decisions[name], in_place))
            decisions[name] = replace(decisions[name], differences=(*decisions[name].differences, *come))
    if networks.links and any(decision.holder and not decision.holder.named for decision in decisions.values()):
        # Only what older versions have made has anything to join again.
        from nexusctl.plan.decide.rejoin import rejoin  # noqa: PLC0415 - deferred: start-up time

        decisions = rejoin(stack, networks, decisions)
    if any(dependency.restart for sandbox in stack.sandboxes.values() for dependency in sandbox.depends_on):
        # Few stacks have one.
        from nexusctl.plan.steps.follow_restarts import follow_restarts  # noqa: PLC0415 - deferred: start-up time

        decisions = follow_restarts(decisions)
    networks = replace(networks, excess=tuple(n for n in networks.excess if n.id not in _held_networks(decisions)))
    present = {volume.name for volume in live.volumes}
    return PlanContext(
        stack=stack,
        live=_keep_words(live, decisions) if live.pruned else live,
        networks=networks,
        volumes=volumes,
        missing_volumes=frozenset(
            name for name, volume in stack.volumes.items() if not volume.external and volumes[name] not in present
        ),
        own=group_own(live),
        claims=claims,
        decisions=decisions,
        images=_choose_images(stack, live, decisions),
        handovers=find_handovers(stack.name, live, decisions, volumes),
        bereft=find_bereft(stack.name, decisions, volumes),
        squatters=find_squatters(stack.name, live, decisions),
    )


def _keep_words(live: LiveState, decisions: Mapping[str, Decision]) -> LiveState:
    """`live` where nothing is left over that still says that somebody has stopped a sandbox."""
    kept = {decision.held.name for decision in decisions.values() if decision.held and decision.holder is None}
    return replace(live, orphans=tuple(orphan for orphan in live.orphans if orphan.name not in kept))


def _held_networks(decisions: Mapping[str, Decision]) -> frozenset[str]:
    """Ids of those that a container stays on because its sandbox wants its networks left as they are."""
    return frozenset(
        network_id
        for decision in decisions.values()
        if decision.holder and "networks" in decision.sandbox.lifecycle.ignore
        if decision.action not in ("replace", "rerun")
        for network_id in decision.holder.networks
    )


def _find_obstacle(in_place: frozenset[str], sandbox: Sandbox, stack: Stack, holder: LiveSandbox | None) -> str:
    """Why packages cannot change in place in this very sandbox; empty where they can or there are none."""
    if holder is None or holder.record is None or not (holder.record.packages or sandbox.packages):
        return ""
    if "packages" not in in_place:
        return "their index is on this machine, where no sandbox reaches it"
    # Sandboxes without packages are the most, and a plan for them waits for nothing that it does not need.
    from nexusctl.plan.decide.packages import find_obstacle  # noqa: PLC0415 - deferred: start-up time

    return find_obstacle(sandbox, holder, stack)


def _renew(written: Sandbox, kept: Sandbox, holder: LiveSandbox | None) -> Sandbox:
    """What a new container is made from: the file, but in the networks that were planned for it."""
    assert holder is not None
    assert holder.record is not None
    return replace(assume_unchanged(written, holder.record), networks=kept.networks)


def _choose_images(stack: Stack, live: LiveState, decisions: Mapping[str, Decision]) -> dict[str, ImageChoice]:
    return {
        name: choose_image(decision.sandbox, stack, live)
        for name, decision in decisions.items()
        if decision.action in ("create", "replace", "rerun")
    }
