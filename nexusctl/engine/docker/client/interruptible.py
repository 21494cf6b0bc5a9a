"""A wire whose calls end at once when a stop is requested."""

from __future__ import annotations

import contextlib
import threading
import weakref
from _socket import SHUT_RDWR
from collections.abc import Iterator
from contextlib import contextmanager

from nexusctl.engine.cancel import Cancel
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.client.http1 import Plug


class Stopped(OSError):
    """What a call meets that begins after the stop."""

    def __init__(self) -> None:
        super().__init__("it was asked to stop")


class CuttableWire(Wire):
    """Remembers its open connections, which `cut` ends; whoever reads from them sees their end."""

    def __init__(self, whole: Wire) -> None:
        super().__init__(whole.endpoint, timeout=whole.timeout)
        self.silence = whole.silence
        self._whole = whole
        self._mutex = threading.Lock()
        self._open: weakref.WeakSet[Plug] = weakref.WeakSet()
        self._stopped = False

    @property
    def uncut(self) -> Wire:
        return self._whole

    def connect(self, timeout: float) -> Plug:
        if self._stopped:
            raise Stopped
        plug = self._whole.connect(timeout)
        with self._mutex:
            self._open.add(plug)
        if self._stopped:
            self.cut()
        return plug

    def cut(self) -> None:
        self._stopped = True
        with self._mutex:
            plugs = list(self._open)
        for plug in plugs:
            with contextlib.suppress(OSError):
                plug.shutdown(SHUT_RDWR)


@contextmanager
def cut_by(cancel: Cancel, wire: Wire) -> Iterator[Wire]:
    """A wire to the same engine, whose calls end when `cancel` is requested."""
    cuttable = CuttableWire(wire)
    with cancel.cutting(cuttable.cut):
        yield cuttable
