"""Show a plan, ask, carry it out, say what was done: what `apply` and `destroy` have in common."""

from __future__ import annotations

import sys

import click

from nexusctl import api
from nexusctl.cli import options
from nexusctl.cli.boundary import FAILED, INTERRUPTED
from nexusctl.cli.progress import show
from nexusctl.cli.signals import stoppable
from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.plan import Plan
from nexusctl.render.diagnostic import render_diagnostics
from nexusctl.render.event import FORMAT_VERSION
from nexusctl.render.plan import plan_document, render_plan, summarize_plan
from nexusctl.render.style import duration


def require_answer(*, yes: bool) -> None:
    """Refuse before anything is looked at where nobody could be asked."""
    if not yes and not sys.stdin.isatty():
        raise InputError(
            Diagnostic("there is no terminal to ask for approval on", hint="pass --yes to go ahead without asking")
        )


def carry_out(engine: Engine, chosen: Plan, *, yes: bool, as_json: bool, question: str) -> int:
    """Returns the exit code. The caller holds the stack's lock."""
    if as_json:
        options.write_json({"format_version": FORMAT_VERSION, "event": "planned", "plan": plan_document(chosen)})
    else:
        click.echo(render_plan(chosen, color=options.wants_color(sys.stdout)), nl=False, color=True)
    if chosen.empty:
        return 0
    if not yes and not click.confirm(question, err=True):
        options.say("Nothing was changed.")
        return FAILED
    with stoppable() as interrupt:
        finished, problems = show(api.apply(engine, chosen, interrupt), chosen, as_json=as_json)
    if not as_json:
        sys.stderr.write(render_diagnostics(problems, color=options.wants_color(sys.stderr)))
        click.echo(_last_word(chosen, finished.outcome, finished.at, len(problems)))
    return {"done": 0, "failed": FAILED, "interrupted": INTERRUPTED}[finished.outcome]


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
