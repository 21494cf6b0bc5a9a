"""What a signal to this process does to a command inside of a sandbox: it gets it too, and is ended if it goes on."""

from __future__ import annotations

import contextlib
import signal as signals
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from nexusctl.errors import EngineError

PATIENCE = 3.0
"""Seconds that a command has to clean up in, as after Ctrl-C on a terminal of its own."""

REACH = 15.0
"""Seconds that it takes at most to reach a command, of an engine and a sandbox that answer."""

RELAYED = (signals.SIGINT, signals.SIGTERM, signals.SIGHUP)


class Relay:
    """`send` gives a signal, by its name without SIG, to all that the command started; `cut` ends its streams."""

    def __init__(self, send: Callable[[str], None], cut: Callable[[], None]) -> None:
        self._send = send
        self._cut = cut
        self._over = threading.Event()
        self._ending = threading.Lock()
        self._ended = False
        self.caught: signals.Signals | None = None

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Pass the first one on; a second one leaves at once, by `KeyboardInterrupt`."""
        if self.caught:
            raise KeyboardInterrupt
        self.caught = signals.Signals(number)
        threading.Thread(target=self._pass_on, args=(self.caught,), daemon=True).start()

    def finish(self) -> None:
        """The command's output has ended, or nobody waits for it: end what is left of it, once."""
        self._over.set()
        with self._ending:
            if not self._ended:
                self._ended = True
                within(REACH, lambda: self.try_to_send("KILL"))

    def _pass_on(self, number: signals.Signals) -> None:
        within(REACH, lambda: self.try_to_send(number.name.removeprefix("SIG")))
        if not self._over.wait(PATIENCE):
            self.finish()
            self._cut()

    def try_to_send(self, name: str) -> None:
        """A broken sandbox may not even let itself be ended; what runs in it then is nobody's to wait for."""
        with contextlib.suppress(EngineError):
            self._send(name)


def within(seconds: float, work: Callable[[], None]) -> None:
    """Do `work`, and go on after so many seconds whatever becomes of it."""
    working = threading.Thread(target=work, daemon=True)
    working.start()
    working.join(seconds)


@contextmanager
def relayed(relay: Relay) -> Iterator[None]:
    """While inside, `relay` handles what ends a command; a signal that is ignored stays so, as `nohup` wants it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signals.signal(number, relay.handle)
        for number in RELAYED
        if signals.getsignal(number) is not signals.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signals.signal(number, handler)
