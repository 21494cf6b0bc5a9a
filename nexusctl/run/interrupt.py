"""Whether the user asked to stop, and who hears that from the system."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType

from nexusctl.engine.cancel import Cancel


class Interrupt:
    """Set once, by a signal or because the time is over; waits look at it, and the executor starts no step after it.

    One that `abandons` wants nothing of what is half done: all will be removed.
    """

    def __init__(self, *, abandons: bool = False) -> None:
        self._abandons = abandons
        self._requested = False
        self._alarms: set[threading.Event] = set()
        self._ends: dict[object, Callable[[], None]] = {}
        self.late = False

    def request(self, *, late: bool = False) -> None:
        """Ask for a stop; `late` says that the time which was given is over."""
        self.late = self.late or (late and not self._requested)
        self._requested = True
        for alarm in tuple(self._alarms):
            alarm.set()
        for end in tuple(self._ends.values()):
            # Whoever asks is in the midst of something else, and an end may take its time.
            threading.Thread(target=end, daemon=True).start()

    @property
    def requested(self) -> bool:
        return self._requested

    @property
    def deadline(self) -> Deadline:
        """For what is left to come to its end when a stop is requested, unless the time that was given is over."""
        return Deadline(self)

    @property
    def halves(self) -> Cancel:
        """For what a user's stop lets come to its end, as nobody knows what half of it is worth: only time ends it."""
        return self if self._abandons else self.deadline

    @contextmanager
    def alarm(self) -> Iterator[threading.Event]:
        """Something to sleep on that wakes up at once when a stop is requested, and when anybody else sets it."""
        alarm = threading.Event()
        self._alarms.add(alarm)
        try:
            yield alarm
        finally:
            self._alarms.discard(alarm)

    @contextmanager
    def cutting(self, end: Callable[[], None]) -> Iterator[None]:
        """While inside, `end` is called, in another thread, when a stop is requested, and at once where it was before.

        It may be called twice.
        """
        key = object()
        self._ends[key] = end
        try:
            if self._requested:
                end()
            yield
        finally:
            del self._ends[key]


class Deadline:
    """The end of an interrupt's time, for whoever does not mind a stop that a user asks for."""

    def __init__(self, interrupt: Interrupt) -> None:
        self._interrupt = interrupt

    @property
    def requested(self) -> bool:
        return self._interrupt.late

    def cutting(self, end: Callable[[], None]) -> AbstractContextManager[None]:
        """As that of an interrupt."""
        return self._interrupt.cutting(lambda: end() if self._interrupt.late else None)


@contextmanager
def interruptible(
    numbers: Iterable[int],
    again: Callable[[int], None],
    heard: Callable[[], None] = lambda: None,
    *,
    abandons: bool = False,
) -> Iterator[Interrupt]:
    """An interrupt that the signals `numbers` set while inside.

    `heard` is called at the first, and `again` with the number of each further one. Only a main thread gets signals:
    in another one nothing sets it.
    """
    interrupt = Interrupt(abandons=abandons)

    def hear(number: int) -> None:
        if interrupt.requested:
            again(number)
        else:
            interrupt.request()
            heard()

    with handled(numbers if threading.current_thread() is threading.main_thread() else (), hear):
        yield interrupt


@contextmanager
def handled(numbers: Iterable[int], handle: Callable[[int], None]) -> Iterator[None]:
    """While inside, `handle` gets the number of each of these signals; the former handlers come back afterwards."""

    def take(number: int, _frame: FrameType | None) -> None:
        handle(number)

    former = {number: signal.signal(number, take) for number in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
