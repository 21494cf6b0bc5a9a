"""Looking at what is live: status, drift, the sandboxes that a name means."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from nexusctl.api.planning import look_inside, require_known
from nexusctl.engine.base import Engine
from nexusctl.errors import Conflict, Diagnostic, EngineError, InputError, NotFound
from nexusctl.model.engine_names import REAPER, container_name, natural_key
from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.plan.plan import Plan
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.packages import MANAGERS
from nexusctl.plan.commands.basis import Basis
from nexusctl.plan.commands.drift import recorded_stack, select_drift
from nexusctl.plan.commands.names import Choice, group_names, match_names
from nexusctl.plan.commands.status import STATES, SandboxStatus, select, summarize
from nexusctl.plan.compare.moved import find_moves
from nexusctl.plan.plan import make_plan

__all__ = [
    "JOURNAL", "STATES", "SandboxStatus", "choose_live", "find_drift", "find_running", "find_sandboxes", "glimpse",
    "look", "mark_flight", "package_texts", "select", "status",
]  # fmt: skip


JOURNAL = "/var/lib/nexusctl-reaper.json"
"""Where the reaper writes in its container what it has seen."""

_LONGEST_JOURNAL = 4 * 1024 * 1024
"""Bytes of its journal that are read; it has some hundred for each container."""


def status(engine: Engine, stack: Stack) -> tuple[SandboxStatus, ...]:
    """Each declared and each live sandbox of the stack.

    An engine probes for the first time only when an interval has passed; where it has not done so yet, we ask the port
    that is to answer. A command of the user's is the engine's to run, whatever it does.
    """
    return look(engine, stack)[1]


def look(engine: Engine, stack: Stack, *, deep: bool = True) -> tuple[LiveState, tuple[SandboxStatus, ...]]:
    """The same with the live state that it was made of; one that is not `deep` costs a call, and tells no uptime."""
    live = engine.observe(stack, deep=deep)
    if not deep:
        return live, summarize(stack, live, time.time())
    sandboxes = _measure_limited(engine, _probe_unprobed(engine, live.sandboxes))
    live = replace(live, sandboxes=sandboxes)
    return live, _with_idle(engine, summarize(stack, live, time.time()))


def glimpse(engine: Engine, stack: Stack, patience: float | None = None) -> tuple[LiveState, tuple[SandboxStatus, ...]]:
    """The same for whoever looks again and again, with uptimes; of others, of images and networks it says nothing.

    Uptimes are true to the second where the engine does not tell them better in `patience` seconds.
    """
    live = engine.glimpse(stack, patience)
    live = replace(live, sandboxes=_probe_unprobed(engine, live.sandboxes))
    return live, summarize(stack, live, time.time())


def _with_idle(engine: Engine, statuses: Iterable[SandboxStatus]) -> tuple[SandboxStatus, ...]:
    """`statuses` with the seconds for which those that end when they are idle have been so at the reaper's last look.

    Nothing is said where no reaper runs, or it has not seen them yet.
    """
    found = tuple(statuses)
    if not any(one.idle_timeout is not None and one.state == "running" for one in found):
        return found
    idle = _read_journal(engine)
    return tuple(
        replace(one, idle=idle[one.container_id]) if one.state == "running" and one.container_id in idle else one
        for one in found
    )


def _read_journal(engine: Engine) -> Mapping[str, float]:
    """The seconds by container. What cannot be read says nothing: who may use the engine may have written it."""
    # Few sandboxes end when they are idle.
    import json  # noqa: PLC0415 - deferred: start-up time

    try:
        reaper = container_name(REAPER, "reaper")
        if engine.condition(reaper).state != "running":
            return {}
        entry = next(iter(engine.fetch(reaper, JOURNAL)), None)
        if entry is None or entry.kind != "file" or entry.size > _LONGEST_JOURNAL:
            return {}
        traces = json.loads(b"".join(entry.pieces))["traces"]
        return {str(key): max(0.0, float(looked) - float(active)) for key, (looked, _, active) in traces.items()}
    except (EngineError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _measure_limited(engine: Engine, sandboxes: tuple[LiveSandbox, ...]) -> tuple[LiveSandbox, ...]:
    """Sizes are dear, so only of those that are to have one."""
    limited = [live.id for live in sandboxes if live.record and live.record.resources.asks_for("storage")]
    sizes = engine.overview.measure(limited) if limited else {}
    return tuple(
        replace(live, inspection=replace(live.inspection, writable_bytes=sizes[live.id]))
        if live.inspection and live.id in sizes
        else live
        for live in sandboxes
    )


def _probe_unprobed(engine: Engine, sandboxes: tuple[LiveSandbox, ...]) -> tuple[LiveSandbox, ...]:
    unprobed = [live for live in sandboxes if live.health == "starting" and live.state == "running"]
    if not unprobed:
        return sandboxes
    # Threads are loaded only where there is something to ask.
    from nexusctl.engine.threads import open_crew  # noqa: PLC0415 - deferred: start-up time

    with open_crew(8) as pool:
        healthy = {live.id for live, passed in zip(unprobed, pool.map(_probe(engine), unprobed), strict=True) if passed}
    return tuple(replace(live, health="healthy") if live.id in healthy else live for live in sandboxes)


def _probe(engine: Engine) -> Callable[[LiveSandbox], bool]:
    def passes(live: LiveSandbox) -> bool:
        health = live.record.health if live.record else None
        if health is None or health.command:
            return False
        try:
            return engine.probe(live.id, health).exit_code == 0
        except (NotFound, Conflict):
            # It is gone, or does not run any more.
            return False

    return passes


def find_sandboxes(
    engine: Engine, stack: Stack, names: tuple[str, ...], *, must_exist: bool = True
) -> tuple[LiveSandbox, ...]:
    """The live sandboxes that `names` (of sandboxes or of groups, or globs) mean, all where none is given.

    Raises `InputError` for a name that means none of them, with what may have been meant, where one `must_exist`.
    """
    return tuple(live for live, _ in choose_live(engine, stack, names, must_exist=must_exist))


def choose_live(
    engine: Engine, stack: Stack, names: tuple[str, ...], *, must_exist: bool = True
) -> tuple[tuple[LiveSandbox, SandboxStatus], ...]:
    """The same, each with its status."""
    live = engine.observe(stack)
    ready = {status.container_id: status for status in summarize(stack, live, time.time()) if status.container_id}
    groups = {status.name: status.group or status.name for status in ready.values()}
    if must_exist and (missing := [name for name in names if not match_names(name, groups)]):
        raise InputError(*(_explain_missing(stack, live, name, groups) for name in missing))
    wanted = {one for name in names for one in match_names(name, groups)} if names else groups.keys()
    found = [(x, ready[x.id]) for x in live.sandboxes if x.id in ready and ready[x.id].name in wanted]
    return tuple(sorted(found, key=lambda pair: natural_key(pair[1].name)))


def _explain_missing(stack: Stack, live: LiveState, name: str, groups: Mapping[str, str]) -> Diagnostic:
    # Only a mistake needs them.
    from nexusctl.model.values.did_you_mean import nearest  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.plan.commands.not_running import explain_pruned  # noqa: PLC0415 - deferred: start-up time

    declared = {found for sandbox in stack.sandboxes.values() for found in (sandbox.name, sandbox.group)}
    if name in live.pruned:
        return explain_pruned(name, live.pruned[name])
    if not groups:
        hint = "none is live; `nexusctl apply` makes them"
    elif name in declared:
        hint = "the file declares it; `nexusctl apply` makes it"
    elif close := nearest(name, sorted({*groups, *groups.values()})):
        hint = f"did you mean `{close}`?"
    else:
        hint = f"live are: {', '.join(sorted(groups, key=natural_key))}"
    return Diagnostic(f"stack {stack.name} has no live sandbox {name}", hint=hint)


def find_running(engine: Engine, stack: Stack, name: str) -> LiveSandbox:
    """The live sandbox that `name` means, the first of a group. Raises `InputError` where it does not run."""
    live = find_sandboxes(engine, stack, (name,))[0]
    if live.state != "running":
        # Only a mistake needs it.
        from nexusctl.plan.commands.not_running import explain_rest  # noqa: PLC0415 - deferred: start-up time

        raise InputError(explain_rest(live))
    return live


def find_drift(engine: Engine, stack: Stack, names: tuple[str, ...] = ()) -> Plan:
    """Where what is live differs from what was applied; `names` are sandboxes or groups, all where none is given.

    The plan has no steps. Raises `InputError` for a name that means nothing, `PlanError`, `EngineError`.
    """
    # A network that has gone, or a health check that is not there, is no reason to refuse what nobody carries out.
    live = replace(engine.observe(stack, deep=True), absent=frozenset(), unprobed=frozenset(), owners={})
    groups = group_names(stack, live)
    require_known(Choice(targets=names), groups)
    chosen = frozenset().union(*(match_names(name, groups) for name in names)) if names else None
    if chosen is not None:
        # What is still to be moved goes by the name that it has now.
        chosen |= {name for name, target in find_moves(stack, live).items() if target in chosen}
    live = engine.look_inside(live) if chosen is None else look_inside(engine, live, chosen)
    found = select_drift(make_plan(recorded_stack(stack, live), live, engine.in_place), chosen)
    if live.lock is None:
        return found
    # Seldom does anybody look while a stack is being changed.
    from nexusctl.plan.commands.in_flight import leave_flight  # noqa: PLC0415 - deferred: start-up time

    return leave_flight(found, live)


def mark_flight(basis: Basis) -> Plan:
    """The plan of `basis`, with a word on who changes the stack at this moment and on what of it is in flight.

    For whoever only looks; where the lock is held by the caller, nothing is in flight but what it does itself.
    """
    if basis.live.lock is None:
        return basis.plan
    # As above.
    from nexusctl.plan.commands.in_flight import mark_flight as mark  # noqa: PLC0415 - deferred: start-up time

    return mark(basis.plan, basis.live)


def package_texts(spec: Sandbox) -> list[str]:
    """What is installed in it, as a stack file would list it."""
    return [
        package.name + (MANAGERS[chosen.manager].joint + package.version if package.version else "")
        for chosen in spec.packages
        for package in chosen.packages
    ]
