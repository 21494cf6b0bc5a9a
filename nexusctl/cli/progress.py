"""Shows events while they come: a live board on a terminal, plain lines elsewhere, JSON lines on request."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from nexusctl.cli.options import say, wants_color, write_json
from nexusctl.errors import Diagnostic
from nexusctl.model.event import Event, Failed, Finished
from nexusctl.model.plan import Plan
from nexusctl.render.event import Board, event_document, group_rows

if TYPE_CHECKING:
    from nexusctl.cli.board import LiveBoard


def show(
    events: Iterable[Event], plan: Plan, *, as_json: bool
) -> tuple[Finished, list[Diagnostic], dict[str, list[str]]]:
    """Consume the events of an apply; returns how it ended, what went wrong, and the objects by their outcome."""
    problems: list[Diagnostic] = []
    finished = Finished(outcome="done", at=0.0)
    with _painter(plan, as_json=as_json) as painter:
        for event in events:
            painter.take(event)
            if isinstance(event, Failed):
                problems.append(event.problem)
            elif isinstance(event, Finished):
                finished = event
    return finished, problems, group_rows(painter.board.rows.values())


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
