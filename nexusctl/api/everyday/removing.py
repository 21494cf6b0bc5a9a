"""Some sandboxes of a stack removed, and with them those that cannot be without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nexusctl.api import connection
from nexusctl.api.apply import Events, Terms, carry_out
from nexusctl.api.planning import empty_stack, prepare
from nexusctl.api.subject import Subject, require_stack
from nexusctl.model.observed.live import LiveState
from nexusctl.model.plan.plan import Change, Plan
from nexusctl.plan.commands.names import Choice, group_names, match_names


def destroy_some(about: Subject, names: tuple[str, ...], terms: Terms, *, must_exist: bool = False) -> Events:
    """Remove the live sandboxes that `names` mean and those that depend on them; networks and volumes stay.

    Raises `InputError` for a name that means none, `PlanError`, `EngineError`, `LockHeld`.
    """
    engine, stack = connection.connect(), about.stack
    if must_exist:
        require_stack(engine, stack.name)
    with connection.hold_lock(engine, stack.name, timeout=terms.lock_timeout, report=terms.report, makes_space=True):
        basis = prepare(engine, empty_stack(stack.name), choice=Choice(targets=names))
        return (yield from carry_out(engine, _word(basis.plan, basis.live, names, stack.sandboxes), terms))


def _word(plan: Plan, live: LiveState, names: tuple[str, ...], declared: Mapping[str, object]) -> Plan:
    """`plan` in the words of what was asked for: who goes with whom, and who comes again."""
    groups = group_names(empty_stack(live.stack), live)
    asked = {name for word in names for name in match_names(word, groups)}
    needs = {x.sandbox: {d.sandbox for d in x.record.depends_on} if x.record else set() for x in live.sandboxes}
    going = {change.name for change in plan.changes if change.kind == "sandbox"}

    def tell(change: Change) -> Change:
        if change.kind != "sandbox":
            return change
        held_up = sorted(needs.get(change.name, set()) & going)
        reason = "somebody asked for it" if change.name in asked else f"it depends on {', '.join(held_up)}"
        again = ("the stack file declares it: the next apply makes it again",) if change.name in declared else ()
        return replace(change, cause="asked", reason=reason, notes=(*change.notes, *again))

    return replace(plan, changes=tuple(map(tell, plan.changes)), omitted=())
