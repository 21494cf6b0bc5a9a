"""Shows how a plan is carried out, and says how that went. Loaded only for a plan that changes something."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import Literal

import click

from nexusctl.api.execution import Interrupt
from nexusctl.cli import options
from nexusctl.cli.exit_codes import FAILED, INTERRUPTED
from nexusctl.cli.terminal.progress import Course, follow_silently, is_painted, show
from nexusctl.cli.terminal.show_plan import show_plan
from nexusctl.cli.terminal.signals import TIME_IS_OVER, leave, stoppable
from nexusctl.cli.terminal.streams import OutputLost
from nexusctl.model.plan.event import AnyEvent, Event, Finished, Planned
from nexusctl.model.plan.plan import Omission, Plan
from nexusctl.render.diagnostic import merge_alike, render_diagnostics
from nexusctl.render.event import render_groups
from nexusctl.render.plan.plan import summarize_plan
from nexusctl.render.report.watch import describe_batch
from nexusctl.render.text_style import duration, listing

Manner = Literal["usual", "cleared up", "shielded", "brief"]
"""Whether another run follows that clears up, or it is that run, which no signal ends; or one line tells all of it."""

MOST_NAMES = 12

PATIENCE = 30.0
"""Seconds that steps have to come to their end in, after the time of an apply is over."""


class Conduct:
    """Lives while one plan is carried out: signals and the time limit, in seconds, set its `interrupt`.

    With `again` another run follows by itself, which has what was saved meanwhile: nobody is told of that as a failure.
    At the end `outrun` says that this is all that failed.
    """

    def __init__(
        self,
        planned: Planned,
        *,
        as_json: bool,
        timeout: float | None,
        manner: Manner = "usual",
        again: bool = False,
    ) -> None:
        self.outrun = False
        self._planned, self._again = planned, again
        self._as_json = as_json
        self._held = ExitStack()
        painted = is_painted(as_json=as_json) and manner != "brief"
        self._brief = manner == "brief"
        if manner == "shielded":
            self.interrupt = Interrupt()
            return
        clears = manner == "cleared up"
        self.interrupt = self._held.enter_context(stoppable(painted=painted, clears=clears))
        # Whoever clears up afterwards must come to it.
        patience = None if clears else PATIENCE
        self._held.enter_context(_limited(self.interrupt, timeout, patience, painted=painted))

    def close(self) -> None:
        """Let signals do again what they did before."""
        self._held.close()

    def follow(self, first: AnyEvent, rest: Iterator[AnyEvent]) -> int:
        """Show `first` and what comes of `rest` to the end of the run, and its last word; returns the exit code."""
        try:
            events = _of_the_run(first, rest)
            if self._brief:
                course = follow_silently(events, self._planned.plan)
            else:
                course = show(events, self._planned.plan, self.interrupt, as_json=self._as_json)
        except (BrokenPipeError, OutputLost):
            # Nobody reads on, or the disk is full. What runs comes to its end while the lock is held, as after Ctrl-C.
            self.interrupt.request()
            for _ in rest:
                pass
            raise
        finally:
            self.close()
        self.outrun = self._again and course.outrun
        if self.outrun and not self._as_json:
            sys.stderr.write(render_diagnostics(course.warnings, color=options.wants_color(sys.stderr)))
            options.say(f"{time.strftime('%H:%M:%S')} {_list_outrun(course)}: saved again meanwhile, which follows.")
        elif not self._as_json:
            told = merge_alike((*course.warnings, *course.problems))
            sys.stderr.write(render_diagnostics(told, color=options.wants_color(sys.stderr)))
            if self._brief and course.finished.outcome == "done":
                lines = describe_batch(self._planned.plan, course.finished.at)
                click.echo("".join(f"{time.strftime('%H:%M:%S')} {line}\n" for line in lines), nl=False)
                sys.stdout.flush()
            else:
                click.echo(_last_word(self._planned.plan, course, late=self.interrupt.late))
            if self._planned.purpose == "rollback":
                click.echo("\n" + _describe_rollback(self._planned.plan, course.groups))
        outcome = course.finished.outcome
        return {"done": 0, "failed": FAILED, "interrupted": FAILED if self.interrupt.late else INTERRUPTED}[outcome]


def _list_outrun(course: Course) -> str:
    return listing(sorted({problem.sandbox or problem.summary for problem in course.problems}), MOST_NAMES)


def _of_the_run(first: AnyEvent, rest: Iterator[AnyEvent]) -> Iterator[Event]:
    for event in chain([first], rest):
        assert isinstance(event, Event)
        yield event
        if isinstance(event, Finished):
            return


def announce_rollback(chosen: Plan, *, as_json: bool) -> None:
    """Show the plan of a way back, and where there is nothing to go back to, say so."""
    if as_json:
        show_plan(chosen, "rollback", as_json=True)
    elif chosen.empty:
        click.echo("\n" + _describe_rollback(chosen, {}))
    else:
        click.echo("\nRolling back to what was recorded before:")
        show_plan(chosen, "rollback", as_json=False)


@contextmanager
def _limited(interrupt: Interrupt, timeout: float | None, patience: float | None, *, painted: bool) -> Iterator[None]:
    """After `timeout` seconds ask for a stop; what goes on for `patience` seconds more ends with the process."""
    if timeout is None:
        yield
        return

    def stop() -> None:
        if not painted:
            options.say(TIME_IS_OVER)
        interrupt.request(late=True)

    timers = [threading.Timer(timeout, stop)]
    if patience is not None:
        timers.append(threading.Timer(timeout + patience, leave, (FAILED,)))
    for timer in timers:
        timer.daemon = True
        timer.start()
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()


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
        return f"Done in {seconds}: {summarize_plan(chosen, done=True)}."
    reason = f"{len(course.problems)} failed" if course.finished.outcome == "failed" else "interrupted"
    reason = "its time is over" if late else reason
    left = render_groups(course.groups)
    return f"Not complete after {seconds} ({reason}):\n{left}\n`nexusctl plan` shows what is left to do."
