"""The live board of a terminal."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Iterable

from nexusctl.api.execution import Interrupt
from nexusctl.cli.options import wants_color
from nexusctl.cli.terminal.signals import STOPPING, TIME_IS_OVER
from nexusctl.cli.terminal.streams import rewind
from nexusctl.model.observed.notice import listening
from nexusctl.model.plan.event import Event
from nexusctl.model.plan.plan import Plan
from nexusctl.render.event import Board, Row, list_busy, render_row

REFRESH = 0.1
"""Seconds between two paintings of the board."""

NOTICED = 60.0
"""Seconds that what is said beside the events stays below the rows."""


class LiveBoard:
    """A row for each object, painted over itself by a thread of its own so that the seconds go on."""

    def __init__(self, plan: Plan, interrupt: Interrupt) -> None:
        self.board = Board(plan)
        self._interrupt = interrupt
        self._mutex = threading.Lock()
        self._begin = time.monotonic()
        self._height = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._keep_painting, daemon=True)
        self._notice = ("", 0.0)
        self._listening = listening(self._hear)

    def take(self, event: Event) -> None:
        with self._mutex:
            self.board.update(event)

    def _hear(self, text: str) -> None:
        """A line on stderr would be painted over."""
        self._notice = (text, time.monotonic())

    def __enter__(self) -> LiveBoard:
        self._listening.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self._listening.__exit__(None, None, None)
        self._paint(everything=True)

    def _keep_painting(self) -> None:
        while not self._end.wait(REFRESH):
            self._paint()

    def _paint(self, *, everything: bool = False) -> None:
        columns, lines = shutil.get_terminal_size()
        with self._mutex:
            rows = list(self.board.rows.values())
        if not everything:
            # What runs or failed is worth the room that there is; the rest is counted.
            busy = [row for row in rows if row.began is not None and row.outcome != "done"]
            room = lines - (5 if self._interrupt.requested else 2) - (1 if self._notice[0] else 0)
            shown = rows if len(rows) < room else busy[: max(0, room - 1)]
        else:
            shown = rows if len(rows) < lines - 2 else [row for row in rows if row.outcome != "done"]
        now = time.monotonic() - self._begin
        text = [render_row(row, now, width=columns - 2, color=wants_color(sys.stderr)) for row in shown]
        if hidden := len(rows) - len(shown):
            done = sum(row.outcome == "done" for row in rows)
            text.append(f"   ... {done} of {len(rows)} done, {hidden} not shown")
        if self._interrupt.requested:
            text += self._describe_stop(rows, now, columns - 1)
        if not everything and self._notice[0] and time.monotonic() - self._notice[1] < NOTICED:
            text.append(self._notice[0][: columns - 1])
        if self._height:
            rewind(sys.stderr, self._height)
        sys.stderr.write("\n".join(text) + "\n")
        sys.stderr.flush()
        self._height = len(text)

    def _describe_stop(self, rows: Iterable[Row], now: float, width: int) -> list[str]:
        """What was asked for, and what is waited for: it stays below the rows, also when all is over."""
        busy = ", ".join(list_busy(rows, now))
        lines = [TIME_IS_OVER if self._interrupt.late else STOPPING]
        return [line[:width] for line in (*lines, *([f"Waiting for {busy}"] if busy else []))]
