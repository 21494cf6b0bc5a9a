"""Carries an approved plan out and says how that went. Loaded only for a plan that changes something."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field

import click

from nexusctl.api import execution
from nexusctl.cli import options
from nexusctl.cli.boundary import FAILED, INTERRUPTED
from nexusctl.cli.plan_view import show_plan
from nexusctl.cli.progress import Course, is_painted, show
from nexusctl.cli.signals import TIME_IS_OVER, leave, stoppable
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
from nexusctl.run.interrupt import Interrupt

PATIENCE = 30.0
"""Seconds that steps have to come to their end in, after the time of an apply is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`code` is the exit code, `stopped` whether the user asked for an end, `touched` the sandboxes that were begun.

    `groups` are the objects by what became of them.
    """

    code: int
    stopped: bool = False
    touched: frozenset[str] = frozenset()
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)


def run(engine: Engine, chosen: Plan, known: Disclosure, *, as_json: bool, timeout: float | None = None) -> Run:
    """Carry `chosen` out; after `timeout` seconds no step is begun, and soon afterwards none is waited for."""
    touched: set[str] = set()
    painted = is_painted(as_json=as_json)
    with stoppable(painted=painted) as interrupt, _limited(interrupt, timeout, painted=painted):
        events = _note_touched(execution.apply(engine, chosen, interrupt, known), touched)
        try:
            course = show(events, chosen, interrupt, as_json=as_json)
        except (BrokenPipeError, OutputLost):
            # Nobody reads on, or the disk is full. What runs comes to its end while the lock is held, as after Ctrl-C.
            interrupt.request()
            for _ in events:
                pass
            raise
    if not as_json:
        told = merge_alike((*course.warnings, *course.problems))
        sys.stderr.write(render_diagnostics(told, color=options.wants_color(sys.stderr)))
        click.echo(_last_word(chosen, course, late=interrupt.late))
    code = {"done": 0, "failed": FAILED, "interrupted": FAILED if interrupt.late else INTERRUPTED}[
        course.finished.outcome
    ]
    stopped = interrupt.requested and not interrupt.late
    return Run(code=code, stopped=stopped, touched=frozenset(touched), groups=course.groups)


@contextmanager
def _limited(interrupt: Interrupt, timeout: float | None, *, painted: bool) -> Iterator[None]:
    """After `timeout` seconds ask for a stop; what goes on for `PATIENCE` seconds more ends with the process."""
    if timeout is None:
        yield
        return

    def stop() -> None:
        if not painted:
            options.say(TIME_IS_OVER)
        interrupt.request(late=True)

    timers = [threading.Timer(timeout, stop), threading.Timer(timeout + PATIENCE, leave, (FAILED,))]
    for timer in timers:
        timer.daemon = True
        timer.start()
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()


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


def _last_word(chosen: Plan, course: Course, *, late: bool) -> str:
    seconds = duration(course.finished.at)
    if course.finished.outcome == "done":
        return f"Done in {seconds}: {_past(summarize_plan(chosen))}."
    reason = f"{len(course.problems)} failed" if course.finished.outcome == "failed" else "interrupted"
    reason = "its time is over" if late else reason
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
