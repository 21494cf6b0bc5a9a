"""The sentence of every change: lock, observe, plan, read secrets, execute, roll back. Each is one stream of events."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal, Protocol

from nexusctl.api import connection, execution, planning, subject
from nexusctl.api.execution import Interrupt
from nexusctl.api.reaper.itself import has_lifetimes
from nexusctl.api.reaper.keep import keep_reaper
from nexusctl.engine.base import Engine, Report
from nexusctl.errors import Diagnostic, EngineUnreachable
from nexusctl.model.engine_names import REAPER
from nexusctl.model.lifetime import has_lifetime
from nexusctl.model.load_request import Given
from nexusctl.model.observed.live import Adopt, LiveState
from nexusctl.model.plan.event import (
    AnyEvent,
    Declined,
    Finished,
    Left,
    Noticed,
    Outcome,
    Planned,
    Reached,
    Spared,
    Started,
    Told,
)
from nexusctl.model.plan.plan import Plan
from nexusctl.model.plan.step_id import kind_of
from nexusctl.model.secret import NOTHING_READ, Disclosure
from nexusctl.model.stack import Stack
from nexusctl.model.trust import OURS, Trust
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.commands.basis import Basis

__all__ = [
    "Begin",
    "KeepReaper",
    "Terms",
    "apply",
    "apply_saved",
    "carry_out",
    "destroy",
    "ensure_reaper",
    "tell_moved",
]

Begin = Callable[[Planned], Interrupt | None]
"""Asked before a plan is carried out that changes something: what can stop it, or None where nothing shall be done."""

Events = Generator[AnyEvent, None, Outcome]


class KeepReaper(Protocol):
    def __call__(self, engine: Engine, *, wanted: bool, report: Report) -> tuple[Diagnostic, ...]:
        """See `api/reaper/keep.py`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a change is made: whom it asks, how long it waits for the stack's lock, in seconds, and whether it goes back.

    `report` gets a line while the lock is waited for. With `rollback` a run that fails is followed by one that brings
    what it touched back to what was recorded before. What somebody has changed inside since it was uploaded is written
    over `silently`, or `told` before, or `never`: then that sandbox is left out. `keep_reaper` is called last.
    """

    begin: Begin
    lock_timeout: float = 60.0
    report: Report = connection.be_silent
    rollback: bool = False
    overwrites: Literal["silently", "told", "never"] = "silently"
    keep_reaper: KeepReaper = keep_reaper


def apply(about: subject.Subject, terms: Terms, *, deep: bool = False, adopt: Adopt = None) -> Events:
    """Make the live sandboxes what the file says; returns how that went.

    The plan comes as `Planned` before `terms.begin` is asked, the outputs last. Raises `EngineUnreachable`, `LockHeld`,
    `PlanError`, `InputError` for what cannot be planned; what fails later is an event. Whoever takes no more events has
    to close the generator: it holds the lock.
    """
    engine = connection.connect()
    with _lock(engine, about.stack.name, terms, branch=about.stack.branch):
        basis = planning.prepare(engine, about.stack, deep=deep, adopt=adopt, choice=about.choice)
        if problems := (*about.problems, *basis.warnings):
            yield Noticed(problems=problems)
        if terms.overwrites != "silently" and not basis.plan.empty:
            basis = yield from _spare(engine, about, basis, leaves=terms.overwrites == "never")
        outcome = yield from _apply(engine, basis, terms)
    yield from _keep_reaper(engine, basis, outcome, terms)
    yield from tell_moved(engine, basis.plan, basis.live, outcome)
    yield from _tell_outputs(engine, about.stack, outcome)
    return outcome


def apply_saved(path: Path, given: Given, terms: Terms, trust: Trust = OURS) -> Events:
    """Carry out the plan in the file `path`, unless something moved since. Raises as `apply` does.

    `given` are the variables that it does not hold, `trust` is for the files that it names.
    """
    # Only a saved plan needs it.
    from nexusctl.api import saving  # noqa: PLC0415 - deferred: start-up time

    saved = saving.read_plan(path)
    engine = connection.connect()
    with _lock(engine, saved.stack, terms, branch=saved.inputs.branch):
        basis = saving.recall_plan(engine, saved, given, trust)
        outcome = yield from _apply(engine, basis, terms)
    yield from _keep_reaper(engine, basis, outcome, terms)
    yield from tell_moved(engine, basis.plan, basis.live, outcome)
    yield from _tell_outputs(engine, basis.stack, outcome)
    return outcome


def destroy(name: str, terms: Terms, *, remove_volumes: bool = False, must_exist: bool = False) -> Events:
    """Remove everything that belongs to the stack called `name`, then tell what is `Left`. Raises as `apply` does.

    Volumes stay unless `remove_volumes`. With `must_exist` it is an error that there is no such stack.
    """
    engine = connection.connect()
    if must_exist:
        subject.require_stack(engine, name)
    with _lock(engine, name, terms, makes_space=True):
        chosen = planning.plan(engine, planning.empty_stack(name), remove_volumes=remove_volumes)
        outcome = yield from carry_out(engine, chosen, terms)
    if outcome == "done" and not chosen.empty and name != REAPER:
        yield from _tell(terms.keep_reaper(engine, wanted=False, report=terms.report))
    try:
        remains = planning.observe_remains(engine, name)
    except EngineUnreachable:
        if outcome == "done":
            raise
        # It was gone before, and that has been told.
        return outcome
    yield Left(live=remains)
    return outcome


def carry_out(
    engine: Engine, chosen: Plan, terms: Terms, known: Disclosure = NOTHING_READ, before: Basis | None = None
) -> Events:
    """Show `chosen`, ask, and carry it out; the caller holds the stack's lock.

    Where `terms` say so and it fails, what it touched goes back to what was recorded in `before`. `known` are the
    values of secrets.
    """
    planned = Planned(plan=chosen)
    yield planned
    if chosen.empty:
        return "done"
    interrupt = terms.begin(planned)
    if interrupt is None:
        yield Declined()
        return "declined"
    touched: set[str] = set()
    outcome = yield from _execute(engine, chosen, interrupt, known, touched)
    # Whoever asked to stop wants no second run, even where something had failed before.
    stopped = interrupt.requested and not interrupt.late
    if before and terms.rollback and outcome != "done" and not stopped:
        yield from _roll_back(engine, before, frozenset(touched), terms, known)
    return outcome


def ensure_reaper(engine: Engine, live: LiveState, outcome: Outcome, terms: Terms) -> Iterator[AnyEvent]:
    """Start the reaper where none runs and something of `live`, which was just changed, ends by itself.

    Called after the stack's lock is free. What goes wrong is told as a warning.
    """
    if outcome != "declined" and live.stack != REAPER and has_lifetimes(live):
        yield from _tell(terms.keep_reaper(engine, wanted=True, report=terms.report))


def _lock(engine: Engine, stack: str, terms: Terms, *, makes_space: bool = False, branch: str = "") -> connection.Held:
    timeout, report = terms.lock_timeout, terms.report
    return connection.hold_lock(engine, stack, timeout=timeout, report=report, makes_space=makes_space, branch=branch)


def _apply(engine: Engine, basis: Basis, terms: Terms) -> Events:
    basis, known = planning.read_secrets(engine, basis)
    execution.note_ends(engine, basis)
    return (yield from carry_out(engine, basis.plan, terms, known, before=basis))


def _spare(engine: Engine, about: subject.Subject, basis: Basis, *, leaves: bool) -> Generator[AnyEvent, None, Basis]:
    # Whoever reads each plan before it is carried out needs none of it.
    from nexusctl.plan.commands.edited.overwritten import describe_overwritten  # noqa: PLC0415 - deferred: start-up time

    found = planning.find_overwritten(engine, basis)
    if not found:
        return basis
    yield Spared(problems=describe_overwritten(found, spared=leaves), left=leaves)
    if not leaves:
        return basis
    choice = replace(about.choice, excludes=(*about.choice.excludes, *found))
    return planning.prepare(engine, about.stack, choice=choice)


def _execute(engine: Engine, chosen: Plan, interrupt: Interrupt, known: Disclosure, touched: set[str]) -> Events:
    """Carry `chosen` out; the names of sandboxes for which a step other than a wait was begun go into `touched`."""
    # A plan without steps needs none of them.
    from nexusctl.model.plan.step import AwaitExit, AwaitHealthy  # noqa: PLC0415 - deferred: start-up time

    outcome: Outcome = "done"
    for event in execution.apply(engine, chosen, interrupt, known):
        if isinstance(event, Finished):
            outcome = event.outcome
        elif isinstance(event, Started):
            waits = isinstance(event.step, AwaitHealthy | AwaitExit)
            if not waits and kind_of(event.step.id) == "sandbox":
                touched.add(event.step.subject)
        yield event
    return outcome


def _roll_back(
    engine: Engine, before: Basis, touched: frozenset[str], terms: Terms, known: Disclosure
) -> Iterator[AnyEvent]:
    planned = Planned(plan=execution.plan_rollback(engine, before, touched), purpose="rollback")
    yield planned
    interrupt = None if planned.plan.empty else terms.begin(planned)
    if interrupt:
        yield from _execute(engine, planned.plan, interrupt, known, set())


def _keep_reaper(engine: Engine, basis: Basis, outcome: Outcome, terms: Terms) -> Iterator[AnyEvent]:
    """After the stack's lock is free, and whatever failed: what is there by now has to end all the same."""
    wanted = any(map(has_lifetime, basis.stack.sandboxes.values()))
    if outcome != "declined" and (wanted or has_lifetimes(basis.live)) and basis.stack.name != REAPER:
        yield from _tell(terms.keep_reaper(engine, wanted=wanted, report=terms.report))


def _tell(problems: tuple[Diagnostic, ...]) -> Iterator[AnyEvent]:
    if problems:
        yield Noticed(problems=problems)


def tell_moved(engine: Engine, chosen: Plan, live: LiveState, outcome: Outcome) -> Iterator[AnyEvent]:
    """Which host ports have another number since `chosen` has started containers of `live` again."""
    if outcome != "done" or chosen.empty:
        return
    # What changes nothing needs none of it.
    from nexusctl.api.outputs import find_moved  # noqa: PLC0415 - deferred: start-up time

    if moved := find_moved(engine, chosen, live):
        yield Reached(ports=moved)


def _tell_outputs(engine: Engine, stack: Stack, outcome: Outcome) -> Iterator[AnyEvent]:
    if outcome == "done" and stack.outputs:
        # Only a stack that has some needs it.
        from nexusctl.api.outputs import read_outputs  # noqa: PLC0415 - deferred: start-up time

        yield Told(outputs=read_outputs(engine, stack))
