"""Show a plan, ask, carry it out: what `apply` and `destroy` have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from nexusctl.cli import options
from nexusctl.cli.boundary import FAILED
from nexusctl.cli.plan_view import show_plan
from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.plan import Plan
from nexusctl.model.secret import NOTHING_READ, Disclosure

Back = Callable[[frozenset[str]], Plan]
"""The plan that leads back, for the sandboxes that a run touched."""


def require_answer(*, yes: bool) -> None:
    """Refuse before anything is looked at where nobody could be asked."""
    if not yes and not sys.stdin.isatty():
        raise InputError(
            Diagnostic("there is no terminal to ask for approval on", hint="pass --yes to go ahead without asking")
        )


def carry_out(
    engine: Engine,
    chosen: Plan,
    *,
    yes: bool,
    as_json: bool,
    question: str,
    back: Back | None = None,
    known: Disclosure = NOTHING_READ,
    timeout: float | None = None,
) -> int:
    """Returns the exit code. The caller holds the stack's lock.

    Where the plan fails and `back` is given, it is asked for the plan that leads the
    sandboxes which were touched back, and that is carried out. `known` are the values of secrets, `timeout` the seconds
    after which no step is begun.
    """
    show_plan(chosen, "planned", as_json=as_json)
    if chosen.empty:
        return 0
    if not yes and not click.confirm(question, err=True):
        options.say("Nothing was changed.")
        return FAILED
    # A plan without changes is shown in less time than what carries one out takes to load.
    from nexusctl.cli.conduct import roll_back, run  # noqa: PLC0415

    done = run(engine, chosen, known, as_json=as_json, timeout=timeout)
    # Whoever asked to stop wants no second run, even where something had failed before.
    if done.code == FAILED and back and not done.stopped:
        return roll_back(engine, back(done.touched), known, as_json=as_json)
    return done.code
