"""Carries an approved plan out and says how that went. Loaded only for a plan that changes something."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field

import click

from nexusctl.api import execution
from nexusctl.cli import options
from nexusctl.cli.boundary import FAILED, INTERRUPTED
from nexusctl.cli.plan_view import show_plan
from nexusctl.cli.progress import Course, show
from nexusctl.cli.signals import stoppable
from nexusctl.cli.streams import OutputLost
from nexusctl.engine.base import Engine
from nexusctl.model.event import Event, Started
from nexusctl.model.plan import Omission, Plan
from nexusctl.model.secret import Disclosure
from nexusctl.model.step import AwaitExit, AwaitHealthy
from nexusctl.model.value import dataclass
from nexusctl.render.diagnostic import merge_alike, render_diagnostics
from nexusctl.render.event import render_groups
from nexusctl.render.plan import summarize_plan
from nexusctl.render.style import duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`code` is the exit code, `stopped` whether the user asked for an end, `touched` the sandboxes that were begun.

    `groups` are the objects by what became of them.
    """

    code: int
    stopped: bool = False
    touched: frozenset[str] = frozenset()
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)


def run(engine: Engine, chosen: Plan, known: Disclosure, *, as_json: bool) -> Run:
    touched: set[str] = set()
    with stoppable() as interrupt:
        events = _note_touched(execution.apply(engine, chosen, interrupt, known), touched)
        try:
            course = show(events, chosen, as_json=as_json)
        except (BrokenPipeError, OutputLost):
            # Nobody reads on, or the disk is full. What runs comes to its end while the lock is held, as after Ctrl-C.
            interrupt.request()
            for _ in events:
                pass
            raise
    if not as_json:
        told = merge_alike((*course.warnings, *course.problems))
        sys.stderr.write(render_diagnostics(told, color=options.wants_color(sys.stderr)))
        click.echo(_last_word(chosen, course))
    code = {"done": 0, "failed": FAILED, "interrupted": INTERRUPTED}[course.finished.outcome]
    return Run(code=code, stopped=interrupt.requested, touched=frozenset(touched), groups=course.groups)


def _note_touched(events: Iterable[Event], touched: set[str]) -> Iterator[Event]:
    """Pass `events` on and note the sandboxes that a step other than a wait was begun for."""
    for event in events:
        step = event.step if isinstance(event, Started) else None
        if step and step.id.startswith("sandbox:") and not isinstance(step, AwaitHealthy | AwaitExit):
            touched.add(step.subject)
        yield event


def roll_back(engine: Engine, chosen: Plan, known: Disclosure, *, as_json: bool) -> int:
    """The run failed, and that is what the exit code says however well the way back went."""
    if not as_json and not chosen.empty:
        click.echo("\nRolling back to what was recorded before:")
    if as_json or not chosen.empty:
        show_plan(chosen, "rollback", as_json=as_json)
    done = Run(code=0) if chosen.empty else run(engine, chosen, known, as_json=as_json)
    if not as_json:
        click.echo("\n" + _describe_rollback(chosen, done.groups))
    return done.code or FAILED


def _describe_rollback(chosen: Plan, groups: Mapping[str, Sequence[str]]) -> str:
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


def _last_word(chosen: Plan, course: Course) -> str:
    seconds = duration(course.finished.at)
    if course.finished.outcome == "done":
        return f"Done in {seconds}: {_past(summarize_plan(chosen))}."
    reason = f"{len(course.problems)} failed" if course.finished.outcome == "failed" else "interrupted"
    left = render_groups(course.groups)
    return f"Not complete after {seconds} ({reason}):\n{left}\n`nexusctl plan` shows what is left to do."


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
