"""Shows events while they come: a live board on a terminal, plain lines elsewhere, JSON lines on request."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    told = not (as_json or is_painted(as_json=as_json))
    with _painter(plan, interrupt, as_json=as_json) as painter:
        return _follow(events, painter.board, painter.take, told=told)


def follow_silently(events: Iterable[Event], plan: Plan) -> Course:
    """The same, of which only the end is told."""
    board = Board(plan)
    return _follow(events, board, board.update, told=False)


def _follow(events: Iterable[Event], board: Board, take: Callable[[Event], object], *, told: bool) -> Course:
    """Give each event to `take`, which keeps `board`; what a program has said when it failed is `told` by that."""
    failures: list[Failed] = []
    warnings: list[Diagnostic] = []
    finished = Finished(outcome="done", at=0.0)
    for event in events:
        take(event)
        if isinstance(event, Failed):
            failures.append(event)
        elif isinstance(event, Warned):
            warnings.append(event.problem)
        elif isinstance(event, Finished):
            finished = event
    return Course(
        finished=finished,
        # What a program has said is shown once, when it has failed.
        problems=tuple(replace(each.problem, output=()) if told else each.problem for each in failures),
        warnings=tuple(warnings),
        groups=group_rows(board.rows.values()),
        outrun=bool(failures) and all(each.outrun for each in failures),
    )


def _painter(plan: Plan, interrupt: Interrupt, *, as_json: bool) -> Lines | LiveBoard:
    if is_painted(as_json=as_json):
        # In a pipe there is nothing to paint, and what it takes to measure a terminal only costs time.
        from nexusctl.cli.terminal.live_board import LiveBoard  # noqa: PLC0415 - deferred: start-up time

        return LiveBoard(plan, interrupt)
    return Lines(plan, interrupt, as_json=as_json)
