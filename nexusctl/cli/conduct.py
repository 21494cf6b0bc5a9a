"""Carries an approved plan out and says how that went. Loaded only for a plan that changes something."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

import click

from nexusctl.api import execution
from nexusctl.cli import options
from nexusctl.cli.boundary import FAILED, INTERRUPTED
from nexusctl.cli.plan_view import show_plan
from nexusctl.cli.progress import show
from nexusctl.cli.signals import stoppable
from nexusctl.cli.streams import OutputLost
from nexusctl.engine.base import Engine
from nexusctl.model.event import Event, Finished, Started
from nexusctl.model.plan import Omission, Plan
from nexusctl.model.secret import Reveal
from nexusctl.model.step import AwaitExit, AwaitHealthy
from nexusctl.render.diagnostic import merge_alike, render_diagnostics
from nexusctl.render.event import render_groups
from nexusctl.render.plan import summarize_plan
from nexusctl.render.style import duration

Groups = Mapping[str, Sequence[str]]
"""The objects of a run by what became of them."""


def run(engine: Engine, chosen: Plan, touched: set[str], reveal: Reveal, *, as_json: bool) -> tuple[int, bool, Groups]:
    """The exit code, whether the user asked to stop, and what became of what; adds to `touched` what was begun."""
    with stoppable() as interrupt:
        events = _note_touched(execution.apply(engine, chosen, interrupt, reveal), touched)
        try:
            finished, problems, groups = show(events, chosen, as_json=as_json)
        except (BrokenPipeError, OutputLost):
            # Nobody reads on, or the disk is full. What runs comes to its end while the lock is held, as after Ctrl-C.
            interrupt.request()
            for _ in events:
                pass
            raise
    if not as_json:
        sys.stderr.write(render_diagnostics(merge_alike(problems), color=options.wants_color(sys.stderr)))
        click.echo(_last_word(chosen, finished, len(problems), groups))
    code = {"done": 0, "failed": FAILED, "interrupted": INTERRUPTED}[finished.outcome]
    return code, interrupt.requested, groups


def _note_touched(events: Iterable[Event], touched: set[str]) -> Iterator[Event]:
    """Pass `events` on and note the sandboxes that a step other than a wait was begun for."""
    for event in events:
        step = event.step if isinstance(event, Started) else None
        if step and step.id.startswith("sandbox:") and not isinstance(step, AwaitHealthy | AwaitExit):
            touched.add(step.subject)
        yield event


def roll_back(engine: Engine, chosen: Plan, reveal: Reveal, *, as_json: bool) -> int:
    """The run failed, and that is what the exit code says however well the way back went."""
    if not as_json and not chosen.empty:
        click.echo("\nRolling back to what was recorded before:")
    if as_json or not chosen.empty:
        show_plan(chosen, "rollback", as_json=as_json)
    nothing: Groups = {}
    code, _, groups = run(engine, chosen, set(), reveal, as_json=as_json) if not chosen.empty else (0, False, nothing)
    if not as_json:
        click.echo("\n" + _describe_rollback(chosen, groups))
    return code or FAILED


def _describe_rollback(chosen: Plan, groups: Groups) -> str:
    """What was done, what failed, and what stays as the run has left it."""
    names = dict.fromkeys(change.name for change in chosen.changes if change.kind == "sandbox")
    done = [name for name in names if name in groups.get("done", ())]
    undone = [f"{title} ({word})" for word, titles in groups.items() if word != "done" for title in titles]
    left = [f"{_title(omission)} ({omission.reason})" for omission in chosen.omitted]
    words = [f"Rolled back: {', '.join(done)}."] if done else []
    words += [f"Not rolled back: {', '.join(undone)}; see above."] if undone else []
    words += [f"Stays as it is now: {'; '.join(left)}."] if left else []
    return " ".join(words if done or undone else ["Nothing to roll back.", *words])


def _title(left: Omission) -> str:
    return left.name if left.kind == "sandbox" else f"{left.kind} {left.name}"


def _last_word(chosen: Plan, finished: Finished, problems: int, groups: Groups) -> str:
    seconds = duration(finished.at)
    if finished.outcome == "done":
        return f"Done in {seconds}: {_past(summarize_plan(chosen))}."
    reason = f"{problems} failed" if finished.outcome == "failed" else "interrupted"
    return (
        f"Not complete after {seconds} ({reason}):\n{render_groups(groups)}\n`nexusctl plan` shows what is left to do."
    )


def _past(summary: str) -> str:
    words = {
        "to adopt": "adopted",
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
