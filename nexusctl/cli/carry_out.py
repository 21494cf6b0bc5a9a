"""Show a plan, ask, carry it out, say what was done: what `apply` and `destroy` have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator

import click

from nexusctl.api import execution
from nexusctl.cli import options
from nexusctl.cli.boundary import FAILED, INTERRUPTED
from nexusctl.cli.progress import show
from nexusctl.cli.signals import stoppable
from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.event import Event, Started
from nexusctl.model.plan import Plan
from nexusctl.model.step import AwaitExit, AwaitHealthy
from nexusctl.render.diagnostic import render_diagnostics
from nexusctl.render.event import FORMAT_VERSION
from nexusctl.render.plan import plan_document, render_plan, summarize_plan
from nexusctl.render.style import duration

Back = Callable[[frozenset[str]], Plan]
"""The plan that leads back, for the sandboxes that a run touched."""


def require_answer(*, yes: bool) -> None:
    """Refuse before anything is looked at where nobody could be asked."""
    if not yes and not sys.stdin.isatty():
        raise InputError(
            Diagnostic("there is no terminal to ask for approval on", hint="pass --yes to go ahead without asking")
        )


def carry_out(
    engine: Engine, chosen: Plan, *, yes: bool, as_json: bool, question: str, back: Back | None = None
) -> int:
    """Returns the exit code. The caller holds the stack's lock.

    Where the plan fails and `back` is given, it is asked for the plan that leads the
    sandboxes which were touched back, and that is carried out.
    """
    _show_plan(chosen, "planned", as_json=as_json)
    if chosen.empty:
        return 0
    if not yes and not click.confirm(question, err=True):
        options.say("Nothing was changed.")
        return FAILED
    touched: set[str] = set()
    code, stopped = _run(engine, chosen, touched, as_json=as_json)
    # Whoever asked to stop wants no second run, even where something had failed before.
    if code == FAILED and back and not stopped:
        return _roll_back(engine, back(frozenset(touched)), as_json=as_json)
    return code


def _run(engine: Engine, chosen: Plan, touched: set[str], *, as_json: bool) -> tuple[int, bool]:
    """The exit code, and whether the user asked to stop; adds to `touched` what was begun."""
    with stoppable() as interrupt:
        events = _note_touched(execution.apply(engine, chosen, interrupt), touched)
        finished, problems = show(events, chosen, as_json=as_json)
    if not as_json:
        sys.stderr.write(render_diagnostics(problems, color=options.wants_color(sys.stderr)))
        click.echo(_last_word(chosen, finished.outcome, finished.at, len(problems)))
    return {"done": 0, "failed": FAILED, "interrupted": INTERRUPTED}[finished.outcome], interrupt.requested


def _note_touched(events: Iterable[Event], touched: set[str]) -> Iterator[Event]:
    """Pass `events` on and note the sandboxes that a step other than a wait was begun for."""
    for event in events:
        step = event.step if isinstance(event, Started) else None
        if step and step.id.startswith("sandbox:") and not isinstance(step, AwaitHealthy | AwaitExit):
            touched.add(step.subject)
        yield event


def _roll_back(engine: Engine, chosen: Plan, *, as_json: bool) -> int:
    """The run failed, and that is what the exit code says however well the way back went."""
    if not as_json:
        click.echo("\nRolling back to what was recorded before:" if not chosen.empty else "\nNothing to roll back.")
    if as_json or not chosen.empty or chosen.omitted:
        _show_plan(chosen, "rollback", as_json=as_json)
    code, _ = _run(engine, chosen, set(), as_json=as_json) if not chosen.empty else (0, False)
    if not as_json:
        click.echo(_describe_rollback(chosen, whole=code == 0))
    return code or FAILED


def _describe_rollback(chosen: Plan, *, whole: bool) -> str:
    names = ", ".join(dict.fromkeys(change.name for change in chosen.changes if change.kind == "sandbox")) or "nothing"
    done = f"Rolled back: {names}." if whole else f"Rolled back in part: {names}; see above for what failed."
    left = "; ".join(f"{omission.name} ({omission.reason})" for omission in chosen.omitted)
    return f"{done} Could not be rolled back: {left}." if left else done


def _show_plan(chosen: Plan, event: str, *, as_json: bool) -> None:
    if as_json:
        options.write_json({"format_version": FORMAT_VERSION, "event": event, "plan": plan_document(chosen)})
    else:
        click.echo(render_plan(chosen, color=options.wants_color(sys.stdout)), nl=False, color=True)


def _last_word(chosen: Plan, outcome: str, seconds: float, problems: int) -> str:
    if outcome == "done":
        return f"Done in {duration(seconds)}: {_past(summarize_plan(chosen))}."
    reason = f"{problems} failed" if outcome == "failed" else "interrupted"
    return f"Not complete after {duration(seconds)} ({reason}). `nexusctl plan` shows what is left to do."


def _past(summary: str) -> str:
    words = {
        "to create": "created",
        "to update in place": "updated in place",
        "to replace": "replaced",
        "to start": "started",
        "to run": "run",
        "to rename": "renamed",
        "to remove": "removed",
    }
    for future, past in words.items():
        summary = summary.replace(future, past)
    return summary
