"""End what has lived its time, whoever's stack it is: look, lock, look again, carry out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from nexusctl.api import connection
from nexusctl.api.apply import Events, Terms, carry_out
from nexusctl.api.execution import Interrupt
from nexusctl.api.planning import empty_stack
from nexusctl.api.reaper.itself import has_lifetimes
from nexusctl.api.reaper.keep import has_reaper, keep_reaper
from nexusctl.engine.base import Engine, Report
from nexusctl.errors import Diagnostic, EngineError, EngineUnreachable
from nexusctl.model.engine_names import REAPER
from nexusctl.model.observed.live import LiveState
from nexusctl.model.plan.plan import Plan
from nexusctl.plan.commands.endings import NOTHING_SEEN, plan_endings

__all__ = [
    "END_AT_ONCE",
    "as_it_is",
    "end_expired",
    "find_due",
    "find_expired",
    "find_unwatched",
    "list_due",
    "release_reaper",
]

Weigh = Callable[[LiveState], tuple[LiveState, Mapping[str, float]]]
"""Gives a look the times that count, and the seconds for which containers are idle, by id: whoever looks all the time
knows better than the clock how long things are there.
"""

END_AT_ONCE = Terms(begin=lambda _planned: Interrupt(), lock_timeout=0.0)
"""Nobody is asked, and nobody waited for."""


def as_it_is(live: LiveState) -> tuple[LiveState, Mapping[str, float]]:
    """For whoever looks once: the clock is believed, and nobody can say what is idle."""
    return live, {}


def find_expired(engine: Engine, states: Iterable[LiveState], weigh: Weigh = as_it_is) -> Iterator[Plan | Diagnostic]:
    """The plan for each of the `states` of a survey in which something has lived its time; changes nothing.

    A stack that cannot be looked at is told of, and is no reason to leave the others as they are. Raises
    `EngineUnreachable`.
    """
    for name in (live.stack for live in states if find_due(*weigh(live))):
        try:
            live, idle = weigh(engine.observe(empty_stack(name)))
            found = plan_endings(live, _who(), idle)
        except EngineUnreachable:
            raise
        except EngineError as error:
            yield Diagnostic(f"stack {name} cannot be looked at: {error.summary}", severity="warning")
            continue
        if found.steps:
            yield found


def find_due(live: LiveState, idle: Mapping[str, float] = NOTHING_SEEN) -> bool:
    """Whether something of it has lived its time, by what a survey tells."""
    return has_lifetimes(live) and not plan_endings(live, "", idle).empty


def list_due(live: LiveState) -> frozenset[str]:
    """The sandboxes of it that have lived their time."""
    return frozenset(change.name for change in plan_endings(live, "").changes)


def find_unwatched(states: Collection[LiveState]) -> tuple[Diagnostic, ...]:
    """A warning where sandboxes are to end when they are idle, and no reaper runs that sees for how long they are."""
    names = [
        f"{found.sandbox} of {live.stack}"
        for live in states
        for found in live.sandboxes
        if found.state == "running" and found.record and found.record.idle_timeout is not None
    ]
    if not names or has_reaper(states):
        return ()
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    what = f"nothing ends {names[0]}{more} by idle_timeout: somebody has to look all the time, and no reaper runs"
    hint = "the next apply starts one; where your settings say `lifetimes: off`, `nexusctl reap --every 30s` looks"
    return (Diagnostic(what, hint=hint, severity="warning"),)


def end_expired(engine: Engine, stack: str, terms: Terms, weigh: Weigh = as_it_is) -> Events:
    """End what has lived its time in `stack`, as it is once its lock is held. Raises as `apply` does."""
    with connection.hold_lock(engine, stack, timeout=terms.lock_timeout, report=terms.report):
        live, idle = weigh(engine.observe(empty_stack(stack)))
        return (yield from carry_out(engine, plan_endings(live, _who(), idle), terms))


def release_reaper(
    engine: Engine, states: Collection[LiveState], report: Report, *, ended: bool
) -> tuple[Diagnostic, ...]:
    """Remove the reaper where nothing has a lifetime any more; returns what went wrong, as warnings.

    By `states`, as they were before something may have `ended`, it looks anew only where that could be so.
    """
    if not any(live.stack == REAPER for live in states) or not (ended or not any(map(has_lifetimes, states))):
        return ()
    return keep_reaper(engine, wanted=False, report=report)


def _who() -> str:
    # Only what changes something needs it.
    import getpass  # noqa: PLC0415 - deferred: start-up time

    return getpass.getuser()
