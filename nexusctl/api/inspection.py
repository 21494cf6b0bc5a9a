"""Looking at what is live: status, drift, the sandboxes that a name means."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from nexusctl.api.planning import observe, require_known
from nexusctl.engine.base import Engine
from nexusctl.errors import Conflict, Diagnostic, InputError, NotFound
from nexusctl.model.live import LiveSandbox
from nexusctl.model.plan.plan import Plan
from nexusctl.model.stack import Stack
from nexusctl.plan.commands.basis import Basis
from nexusctl.plan.commands.drift import recorded_stack, select_drift
from nexusctl.plan.commands.names import Choice, group_names, match_names
from nexusctl.plan.commands.status import STATES, SandboxStatus, select, summarize
from nexusctl.plan.compare.moved import find_moves
from nexusctl.plan.plan import make_plan

__all__ = [
    "STATES", "SandboxStatus", "find_drift", "find_running", "find_sandboxes", "mark_flight", "select", "status",
]  # fmt: skip


def status(engine: Engine, stack: Stack) -> tuple[SandboxStatus, ...]:
    """Each declared and each live sandbox of the stack.

    An engine probes for the first time only when an interval has passed; where it has not done so yet, we ask the port
    that is to answer. A command of the user's is the engine's to run, whatever it does.
    """
    live = engine.observe(stack, deep=True)
    sandboxes = _measure_limited(engine, _probe_unprobed(engine, live.sandboxes))
    return summarize(stack, replace(live, sandboxes=sandboxes), time.time())


def _measure_limited(engine: Engine, sandboxes: tuple[LiveSandbox, ...]) -> tuple[LiveSandbox, ...]:
    """Sizes are dear, so only of those that are to have one."""
    limited = [live.id for live in sandboxes if live.record and live.record.resources.asks_for("storage")]
    sizes = engine.measure(limited) if limited else {}
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


def find_sandboxes(engine: Engine, stack: Stack, names: tuple[str, ...]) -> tuple[LiveSandbox, ...]:
    """The live sandboxes that `names` (of sandboxes or of groups) mean, all where none is given.

    Raises `InputError` for a name that means none of them, with those that there are.
    """
    live = engine.observe(stack)
    ready = {status.container_id: status for status in summarize(stack, live, 0.0) if status.container_id}
    found = [sandbox for sandbox in live.sandboxes if sandbox.id in ready]
    known = sorted({ready[sandbox.id].name for sandbox in found})
    missing = [n for n in names if not any(n in (ready[x.id].name, ready[x.id].group) for x in found)]
    if missing:
        hint = f"live are: {', '.join(known)}" if known else "none is live; `nexusctl apply` makes them"
        raise InputError(*(Diagnostic(f"stack {stack.name} has no live sandbox {n}", hint=hint) for n in missing))
    order = {sandbox.id: number for number, sandbox in enumerate(sorted(found, key=lambda x: known.index(x.sandbox)))}
    wanted = [x for x in found if not names or {ready[x.id].name, ready[x.id].group} & set(names)]
    return tuple(sorted(wanted, key=lambda x: order[x.id]))


def find_running(engine: Engine, stack: Stack, name: str) -> LiveSandbox:
    """The live sandbox that `name` means, the first of a group. Raises `InputError` where it does not run."""
    live = find_sandboxes(engine, stack, (name,))[0]
    if live.state != "running":
        hint = "`nexusctl apply` starts it, then try again"
        raise InputError(Diagnostic(f"sandbox {live.sandbox} is {live.state}", hint=hint))
    return live


def find_drift(engine: Engine, stack: Stack, names: tuple[str, ...] = ()) -> Plan:
    """Where what is live differs from what was applied; `names` are sandboxes or groups, all where none is given.

    The plan has no steps. Raises `InputError` for a name that means nothing, `PlanError`, `EngineError`.
    """
    # A network that has gone, or a health check that is not there, is no reason to refuse what nobody carries out.
    live = replace(observe(engine, stack, deep=True), absent=frozenset(), unprobed=frozenset(), owners={})
    groups = group_names(stack, live)
    require_known(Choice(targets=names), groups)
    chosen = frozenset().union(*(match_names(name, groups) for name in names)) if names else None
    if chosen is not None:
        # What is still to be moved goes by the name that it has now.
        chosen |= {name for name, target in find_moves(stack, live).items() if target in chosen}
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
