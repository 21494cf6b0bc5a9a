"""Execute: the last line of the sentence, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from nexusctl.api.planning import measure_losses, observe
from nexusctl.engine.base import Engine
from nexusctl.errors import EngineError
from nexusctl.model.plan.event import Event, Failed, Progress
from nexusctl.model.plan.plan import Plan
from nexusctl.model.secret import NOTHING_READ, Conceal, Disclosure
from nexusctl.plan.commands.basis import Basis
from nexusctl.run.interrupt import Interrupt, handled, interruptible

__all__ = ["Interrupt", "apply", "handled", "interruptible", "note_ends", "plan_rollback"]


def apply(engine: Engine, chosen: Plan, interrupt: Interrupt, known: Disclosure = NOTHING_READ) -> Iterator[Event]:
    """Carry out a plan; the caller holds the stack's lock. No event shows what is `known` of secrets."""
    # Thread pools and graphs are not needed for a plan without steps.
    from nexusctl.run.early_exit import watch  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.run.executor import execute  # noqa: PLC0415 - deferred: start-up time

    events = watch(execute(chosen, engine, interrupt, known.reveal), engine, chosen.stack)
    return (_without_values(event, known.conceal) for event in events)


def note_ends(engine: Engine, basis: Basis) -> None:
    """Write down which tasks have ended well since nobody waited for them, where the plan leaves everything as it is.

    Their containers are all that tells of it, and go with a prune. The caller holds the stack's lock.
    """
    if not basis.plan.empty:
        return
    for found in basis.live.sandboxes:
        task = found.record is not None and found.record.kind == "task"
        if task and found.exit_code == 0 and not found.end and not found.partial and not found.adopted:
            with suppress(EngineError):
                engine.note_end(basis.live.stack, found.sandbox, found.id)


def _without_values(event: Event, conceal: Conceal) -> Event:
    """`event` without the values of secrets that a program has printed."""
    if isinstance(event, Progress) and event.detail:
        return replace(event, detail=conceal(event.detail))
    if not isinstance(event, Failed):
        return event
    output = tuple(map(conceal, event.problem.output))
    return replace(event, problem=replace(event.problem, output=output))


def plan_rollback(engine: Engine, before: Basis, touched: frozenset[str]) -> Plan:
    """The plan back to what was recorded before, for the sandboxes that a run touched. Raises `PlanError`."""
    # Few applies have to go back.
    from nexusctl.plan.commands.rollback import plan_back, recall_stack  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.plan.compare.secrets import list_digests  # noqa: PLC0415 - deferred: start-up time

    former = recall_stack(before)
    # A change in place that failed halfway shows only inside.
    live = observe(engine, former, deep=True)
    readable = list_digests(before.stack.sandboxes.values())
    back = plan_back(before, former, live, touched, engine.in_place, readable)
    return measure_losses(engine, back)
