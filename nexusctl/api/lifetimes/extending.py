"""Let live sandboxes live longer: the sentence of a change, of what is live and its records."""

from __future__ import annotations

from nexusctl.api import connection
from nexusctl.api.apply import Events, Terms, carry_out, ensure_reaper
from nexusctl.api.everyday.states import StateRequest, choose_live
from nexusctl.api.planning import empty_stack
from nexusctl.api.subject import Subject, require_stack
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.engine_names import natural_key
from nexusctl.model.plan.event import Noticed
from nexusctl.plan.commands.states.extensions import Extension, find_lost, plan_extensions
from nexusctl.plan.explain.volumes import enumerate_some

__all__ = ["extend"]


def extend(about: Subject, asked: StateRequest, seconds: int, terms: Terms, *, must_exist: bool = False) -> Events:
    """Let the live sandboxes that are meant live so many `seconds` longer than they would; returns how that went.

    One whose time is over lives so long from now on; the reaper is started where none runs. The file and its plan know
    nothing of it. With `must_exist` it is
    an error that there is no such stack. Raises `InputError` for names that mean nothing and for what has no lifetime
    or is gone, `EngineError`, `LockHeld`.
    """
    # Only what changes something needs it.
    import getpass  # noqa: PLC0415 - deferred: start-up time

    engine, name = connection.connect(), about.stack.name
    if must_exist:
        require_stack(engine, name)
    wanted = Extension(seconds=seconds, user=getpass.getuser(), exact=frozenset(asked.names))
    with connection.hold_lock(engine, name, timeout=terms.lock_timeout, report=terms.report):
        live = engine.observe(empty_stack(name))
        if lost := tuple(find_lost(live, asked.names)):
            raise InputError(*lost)
        chosen = choose_live(live, asked, about.stack.sandboxes)
        planned = plan_extensions(live, chosen, wanted)
        if planned.empty and chosen:
            yield Noticed(problems=(_warn_of_none(sorted(chosen, key=natural_key)),))
        outcome = yield from carry_out(engine, planned, terms)
    yield from ensure_reaper(engine, live, outcome, terms)
    return outcome


def _warn_of_none(names: list[str]) -> Diagnostic:
    """Of those that a group or a glob means, some may have none; who gets longer time is in the plan."""
    told = f"{names[0]} has no lifetime" if len(names) == 1 else f"none of {enumerate_some(names)} has a lifetime"
    hint = "`timeout` or `keep_until` in the stack file gives one"
    return Diagnostic(f"{told} that could be longer", hint=hint, severity="warning")
