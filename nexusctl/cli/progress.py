"""Shows events while they come: a live board on a terminal, plain lines elsewhere, JSON lines on request."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from nexusctl.cli.options import say, wants_color, write_json
from nexusctl.errors import Diagnostic
from nexusctl.model.event import Event, Failed, Finished, Warned
from nexusctl.model.plan import Plan
from nexusctl.model.value import dataclass
from nexusctl.render.event import Board, event_document, group_rows

if TYPE_CHECKING:
    from nexusctl.cli.board import LiveBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a run went: its last event, what failed, what else to know, and its objects by what became of them."""

    finished: Finished
    problems: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...]
    groups: Mapping[str, Sequence[str]]


def show(events: Iterable[Event], plan: Plan, *, as_json: bool) -> Course:
    """Show the events of an apply while they come, to their end."""
    problems: list[Diagnostic] = []
    warnings: list[Diagnostic] = []
    finished = Finished(outcome="done", at=0.0)
    with _painter(plan, as_json=as_json) as painter:
        for event in events:
            painter.take(event)
            if isinstance(event, Failed):
                problems.append(event.problem)
            elif isinstance(event, Warned):
                warnings.append(event.problem)
            elif isinstance(event, Finished):
                finished = event
    groups = group_rows(painter.board.rows.values())
    return Course(finished=finished, problems=tuple(problems), warnings=tuple(warnings), groups=groups)


class _Lines:
    """Plain lines on stderr, or JSON lines on stdout."""

    def __init__(self, plan: Plan, *, as_json: bool) -> None:
        self.board = Board(plan)
        self._as_json = as_json

    def take(self, event: Event) -> None:
        line = self.board.update(event)
        if self._as_json:
            write_json(event_document(event))
        elif line:
            say(line)

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None: ...


def _painter(plan: Plan, *, as_json: bool) -> _Lines | LiveBoard:
    if not as_json and wants_color(sys.stderr):
        # In a pipe there is nothing to paint, and what it takes to measure a terminal only costs time.
        from nexusctl.cli.board import LiveBoard  # noqa: PLC0415

        return LiveBoard(plan)
    return _Lines(plan, as_json=as_json)
