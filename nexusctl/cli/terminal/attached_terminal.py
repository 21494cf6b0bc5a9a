"""This terminal as the keyboard and the window of one that lives in a sandbox."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

DETACH = b"\x10\x11"
"""Ctrl-p and ctrl-q, as in other tools: leaves what is attached running."""

_CHUNK = 4096


class Keyboard:
    """What is typed at `descriptor`, as a stream; `left` says that the keys came that leave."""

    def __init__(self, descriptor: int) -> None:
        self.left = False
        self._descriptor = descriptor

    @contextmanager
    def typed(self) -> Iterator[BinaryIO]:
        """While inside, all keys come as they are. The keys that leave interrupt the main thread."""
        before = termios.tcgetattr(self._descriptor)
        tty.setraw(self._descriptor)
        out, into = os.pipe()
        done, wake = os.pipe()
        thread = threading.Thread(target=self._pass_on, args=(into, done), name="keyboard", daemon=True)
        thread.start()
        try:
            with os.fdopen(out, "rb", buffering=0, closefd=False) as stream:
                yield stream
        finally:
            os.close(wake)
            os.close(out)
            thread.join()
            os.close(done)
            os.close(into)
            # A terminal that was closed meanwhile cannot be put back, and needs it no more.
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, before)

    def _pass_on(self, into: int, done: int) -> None:
        held = b""
        with contextlib.suppress(OSError):
            while done not in select.select([self._descriptor, done], [], [])[0]:
                data = os.read(self._descriptor, _CHUNK)
                keys, held, self.left = hold_back(held + data)
                os.write(into, keys)
                if self.left or not data:
                    break
        if self.left:
            # It waits for output, from which only a signal to itself wakes it.
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def hold_back(keys: bytes) -> tuple[bytes, bytes, bool]:
    """What of `keys` is to be passed on, what may be the begin of the keys that leave, and whether these came. Pure."""
    before, found, _ = keys.partition(DETACH)
    if found:
        return before, b"", True
    held = DETACH[:1] if keys.endswith(DETACH[:1]) else b""
    return keys.removesuffix(held), held, False


@contextmanager
def followed_window(descriptor: int, resize: Callable[[int, int], None]) -> Iterator[None]:
    """Call `resize` with rows and columns of the window now and at each change, in a thread of its own."""
    changed = threading.Semaphore(1)
    over = False

    def tell() -> None:
        while changed.acquire() and not over:
            size = os.get_terminal_size(descriptor)
            resize(size.lines, size.columns)

    thread = threading.Thread(target=tell, name="window", daemon=True)
    before = signal.signal(signal.SIGWINCH, lambda *_: changed.release())
    thread.start()
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
        over = True
        changed.release()
