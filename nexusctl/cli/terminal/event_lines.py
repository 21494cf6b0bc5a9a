"""Events as lines, where there is no terminal to paint a board on."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from nexusctl.api.execution import Interrupt
from nexusctl.cli.options import say, write_json
from nexusctl.cli.terminal.streams import OutputLost
from nexusctl.model.plan.event import Done, Event, Failed, Progress, Skipped, Started
from nexusctl.model.plan.plan import Plan
from nexusctl.render.event import Board, event_document, list_busy

HEARTBEAT = 30.0
"""Seconds between two words on what goes on."""


class Lines:
    """Plain lines on stderr, or JSON lines on stdout; each `pause` seconds, and after a stop, what goes on."""

    def __init__(self, plan: Plan, interrupt: Interrupt, *, as_json: bool, pause: float = HEARTBEAT) -> None:
        self.board = Board(plan)
        self._interrupt = interrupt
        self._as_json = as_json
        self._pause = pause
        self._mutex = threading.Lock()
        self._latest: dict[str, Started | Progress] = {}
        self._begin = time.monotonic()
        self._over = False
        self._thread = threading.Thread(target=self._keep_telling, daemon=True)
        self._wake = threading.Event()

    def take(self, event: Event) -> None:
        with self._mutex:
            line = self.board.update(event)
            if isinstance(event, Started | Progress):
                self._latest[event.step.id] = event
            elif isinstance(event, Done | Failed | Skipped):
                self._latest.pop(event.step.id, None)
            if not self._as_json:
                if line:
                    say(line)
            elif not (isinstance(event, Progress) and event.detail):
                # What a tool says is for who waits, and is told now and then.
                write_json(event_document(event))

    def __enter__(self) -> Lines:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._wake.set()
        self._thread.join()

    def _keep_telling(self) -> None:
        stopping = self._interrupt.requested
        with self._interrupt.cutting(self._wake.set):
            while not self._over:
                self._wake.wait(self._pause)
                self._wake.clear()
                if not self._over:
                    # Whoever shows the events meets the same, and knows what to do about it.
                    with self._mutex, suppress(BrokenPipeError, OutputLost):
                        self._tell(as_json=self._as_json and stopping == self._interrupt.requested)
                    stopping = self._interrupt.requested

    def _tell(self, *, as_json: bool) -> None:
        now = time.monotonic() - self._begin
        if as_json:
            for event in self._latest.values():
                doing, detail = (event.doing, event.detail) if isinstance(event, Progress) else ("", "")
                write_json(event_document(Progress(step=event.step, doing=doing, detail=detail, at=now)))
        elif busy := ", ".join(list_busy(self.board.rows.values(), now)):
            say(f"{'Waiting for' if self._interrupt.requested else 'At work on'} {busy}")
