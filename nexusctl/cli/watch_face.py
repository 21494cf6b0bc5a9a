"""The face of a watch on this terminal: a line for what only brings files, the usual plan and course for the rest."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Literal

import click

from nexusctl.api.apply import Terms
from nexusctl.api.execution import Interrupt
from nexusctl.cli import options
from nexusctl.cli.confirm import show_outputs, show_reached
from nexusctl.cli.exit_codes import FAILED
from nexusctl.cli.report_run import Conduct
from nexusctl.cli.terminal.show_plan import show_plan
from nexusctl.errors import Diagnostic
from nexusctl.model.plan.event import AnyEvent, Declined, Noticed, Outcome, Planned, Reached, Spared, Told
from nexusctl.render.diagnostic import render_diagnostics
from nexusctl.render.problems import problems_document
from nexusctl.render.report.watch import Sum, count_files, describe_sum, is_brief, sum_document

GRAVE = ("replace", "remove")
"""What of sandboxes somebody is asked for who has said yes to the first plan alone."""


class WatchFace:
    """Lives as long as a watch. `begun` says that its first change is behind it, `left` that not all is in step.

    `outrun` says why not: what was saved while it was sent comes with the next batch.
    """

    def __init__(self, *, yes: bool, as_json: bool) -> None:
        self._yes, self._as_json = yes, as_json
        self._conduct: Conduct | None = None
        self._since = time.monotonic()
        self._said: tuple[Diagnostic, ...] = ()
        self._warned: tuple[Diagnostic, ...] = ()
        self._applied = self._failed = self._sent = self._removed = 0
        self._planned: Planned | None = None
        self._brief = False
        self.begun = self.left = self.declined = self.outrun = False

    def terms(self, *, lock_timeout: float, overwrites: Literal["told", "never"]) -> Terms:
        """What the sentence of a change is told of this face."""
        return Terms(begin=self._begin, lock_timeout=lock_timeout, report=options.say, overwrites=overwrites)

    def follow(self, events: Generator[AnyEvent, None, Outcome]) -> int:
        """Show what comes of one edit; returns what an apply of it would exit with."""
        code, self.left, self.declined, self.outrun = 0, False, False, False
        warned: list[Diagnostic] = []
        with closing(events):
            for event in events:
                match event:
                    case Planned():
                        self._warn(warned)
                        self._plan(event)
                    case Noticed() | Spared():
                        warned += event.problems
                        self.left = self.left or (isinstance(event, Spared) and event.left)
                    case Declined():
                        options.say("Nothing was changed.")
                        self.declined = self.left = True
                        code = FAILED
                    case Told():
                        if not self._brief:
                            show_outputs(event.outputs, as_json=self._as_json)
                    case Reached():
                        show_reached(event.ports, as_json=self._as_json)
                    case _:
                        assert self._conduct is not None
                        code = self._conduct.follow(event, events)
                        self._count(code)
        if not self.begun and not self.declined:
            self.begun = True
            options.say("Watching; Ctrl-C ends it.")
        return code

    def show_problems(self, problems: Sequence[Diagnostic]) -> None:
        """What keeps the files or the engine from being in step, once; nothing at all says that it is over."""
        self.left = bool(problems)
        if tuple(problems) == self._said:
            return
        self._said = tuple(problems)
        if not problems:
            options.say(f"{_now()} The files are right again, and nothing is to be changed.")
        elif self._as_json:
            options.write_json({**problems_document(problems), "event": "invalid"})
        else:
            sys.stderr.write(f"{_now()}\n{render_diagnostics(problems, color=options.wants_color(sys.stderr))}")
            sys.stderr.flush()

    def summarize(self) -> None:
        """The last word."""
        found = Sum(
            seconds=time.monotonic() - self._since,
            applied=self._applied,
            failed=self._failed,
            sent=self._sent,
            removed=self._removed,
            left=self.left,
        )
        if self._as_json:
            options.write_json(sum_document(found))
        else:
            click.echo(describe_sum(found))

    def _begin(self, planned: Planned) -> Interrupt | None:
        grave = any(c.kind == "sandbox" and c.action in GRAVE for c in planned.plan.changes)
        if not self._yes and (grave or not self.begun) and not click.confirm("Carry out this plan?", err=True):
            return None
        manner: Literal["brief", "usual"] = "brief" if self._brief else "usual"
        self._conduct = Conduct(planned, as_json=self._as_json, timeout=None, manner=manner, again=True)
        return self._conduct.interrupt

    def _plan(self, planned: Planned) -> None:
        self._planned, self._said = planned, ()
        self._brief = is_brief(planned.plan) and self.begun and not self._as_json
        if self._brief:
            return
        if planned.plan.empty and self.begun and not self._as_json:
            if not self.left:
                options.say(f"{_now()} Nothing is to be changed.")
            return
        show_plan(planned.plan, planned.purpose, as_json=self._as_json)
        sys.stdout.flush()

    def _warn(self, problems: list[Diagnostic]) -> None:
        """What was said of the last edit too is not said again."""
        if tuple(problems) != self._warned:
            options.warn(problems)
        self._warned = tuple(problems)

    def _count(self, code: int) -> None:
        assert self._planned is not None
        assert self._conduct is not None
        self.outrun = self._conduct.outrun
        if code:
            self._failed += not self.outrun
            self.left = True
            return
        self._applied += 1
        sent, removed = count_files(self._planned.plan)
        self._sent, self._removed = self._sent + sent, self._removed + removed


def _now() -> str:
    return time.strftime("%H:%M:%S")
