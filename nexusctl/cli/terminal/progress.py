"""Shows events while they come: a live board on a terminal, plain lines elsewhere, JSON lines on request."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nexusctl.api.execution import Interrupt
from nexusctl.cli.options import wants_color
from nexusctl.cli.terminal.event_lines import Lines
from nexusctl.errors import Diagnostic
from nexusctl.model.plan.event import Event, Failed, Finished, Warned
from nexusctl.model.plan.plan import Plan
from nexusctl.model.values.frozen import dataclass
from nexusctl.render.event import Board, group_rows

if TYPE_CHECKING:
    from nexusctl.cli.terminal.live_board import LiveBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a run went: its last event, what failed, what else to know, and its objects by what became of them.

    `outrun` says that all that failed did so because a file was saved again meanwhile.
    """

    finished: Finished
    problems: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...]
    groups: Mapping[str, Sequence[str]]
    outrun: bool = False


def is_painted(*, as_json: bool) -> bool:
    """Whether events are shown on a board, which repaints what stands on the terminal."""
    return not as_json and wants_color(sys.stderr)


def show(events: Iterable[Event], plan: Plan, interrupt: Interrupt, *, as_json: bool) -> Course:
    """Show the events of an apply while they come, to their end."""
    problems: list[Diagnostic] = []
    warnings: list[Diagnostic] = []
    finished, outrun = Finished(outcome="done", at=0.0), True
    told = not (as_json or is_painted(as_json=as_json))
    with _painter(plan, interrupt, as_json=as_json) as painter:
        for event in events:
            painter.take(event)
            if isinstance(event, Failed):
                # What a program has said is shown once, when it has failed.
                problems.append(replace(event.problem, output=()) if told else event.problem)
                outrun = outrun and event.outrun
            elif isinstance(event, Warned):
                warnings.append(event.problem)
            elif isinstance(event, Finished):
                finished = event
    groups = group_rows(painter.board.rows.values())
    return Course(
        finished=finished, problems=tuple(problems), warnings=tuple(warnings), groups=groups,
        outrun=outrun and bool(problems),
    )  # fmt: skip


def follow_silently(events: Iterable[Event], plan: Plan) -> Course:
    """The same, of which only the end is told."""
    board = Board(plan)
    problems, warnings, finished, outrun = [], [], Finished(outcome="done", at=0.0), True
    for event in events:
        board.update(event)
        if isinstance(event, Failed):
            problems.append(event.problem)
            outrun = outrun and event.outrun
        elif isinstance(event, Warned):
            warnings.append(event.problem)
        elif isinstance(event, Finished):
            finished = event
    groups = group_rows(board.rows.values())
    return Course(
        finished=finished, problems=tuple(problems), warnings=tuple(warnings), groups=groups,
        outrun=outrun and bool(problems),
    )  # fmt: skip


def _painter(plan: Plan, interrupt: Interrupt, *, as_json: bool) -> Lines | LiveBoard:
    if is_painted(as_json=as_json):
        # In a pipe there is nothing to paint, and what it takes to measure a terminal only costs time.
        from nexusctl.cli.terminal.live_board import LiveBoard  # noqa: PLC0415 - deferred: start-up time

        return LiveBoard(plan, interrupt)
    return Lines(plan, interrupt, as_json=as_json)
