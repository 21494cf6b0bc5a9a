"""A proxy between a client and an engine's socket that can spoil one chosen call.

It understands just enough of HTTP to see where a request's head ends; everything behind it is passed on
untouched, hijacked streams included. Calls that change something are counted from 0 in the order in which they
arrive; a fault is armed for one such number. `holds` says of which request lines nothing is ever answered, as an
engine does that has locked itself up, and `accepts` of which the connection is handed over and nothing follows.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["kill-before", "kill-after", "lost-reply", "error-500", "reset", "stall"]
KINDS: tuple[Kind, ...] = ("kill-before", "kill-after", "lost-reply", "error-500", "reset", "stall")

_REPLY_500 = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n"
    b'{"message":"injected failure"}'
)
_HANDED_OVER = (
    b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
    b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`call` is the number of the mutating call that goes wrong, `kind` is how."""

    call: int
    kind: Kind


@dataclass(slots=True)
class Call:
    """A mutating call: its request line, and when it came and was over, by the monotonic clock."""

    request: str
    began: float
    ended: float = 0.0


class Proxy:
    """Listens on `path` and passes on to `engine`; use it as a context manager."""

    def __init__(self, path: Path, engine: str) -> None:
        self.path = path
        self._engine = engine
        self._listener = socket.socket(socket.AF_UNIX)
        self._mutex = threading.Lock()
        self.calls: list[Call] = []
        self.fault: Fault | None = None
        self.fired = False
        self.victim: Callable[[], int | None] = lambda: None
        self.holds: Callable[[str], bool] = lambda _: False
        self.accepts: Callable[[str], bool] = lambda _: False

    def __enter__(self) -> Proxy:
        self._listener.bind(str(self.path))
        self._listener.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.path.unlink(missing_ok=True)

    def arm(self, fault: Fault | None) -> None:
        """Forget what was counted so far, and spoil `fault.call` of what comes."""
        with self._mutex:
            self.calls, self.fault, self.fired = [], fault, False

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            head = _read_head(client)
            if not head:
                return
            request = head.split(b"\r\n", 1)[0].decode(errors="replace")
            if self.holds(request):
                _wait_for_close(client)
                return
            if self.accepts(request):
                client.sendall(_HANDED_OVER)
                # The end of what it sends is not the end of it.
                watch = select.poll()
                watch.register(client, 0)
                watch.poll()
                return
            if not _mutates(request):
                self._pass_on(client, head, None)
                return
            call, kind = self._count(request)
            try:
                self._spoil(client, head, kind)
            finally:
                call.ended = time.monotonic()

    def _count(self, request: str) -> tuple[Call, Kind | None]:
        """Note a call that changes something; and the kind of fault that it has to suffer."""
        call = Call(request, time.monotonic())
        with self._mutex:
            number = len(self.calls)
            self.calls.append(call)
            if self.fault and self.fault.call == number and not self.fired:
                self.fired = True
                return call, self.fault.kind
        return call, None

    def _spoil(self, client: socket.socket, head: bytes, kind: Kind | None) -> None:
        if kind == "kill-before":
            self._kill()
        elif kind == "error-500":
            client.sendall(_REPLY_500)
        elif kind == "reset":
            _reset(client)
        else:
            self._pass_on(client, head, kind)

    def _pass_on(self, client: socket.socket, head: bytes, kind: Kind | None) -> None:
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(self._engine)
            engine.sendall(_closing(head))
            upstream = threading.Thread(target=_pump, args=(client, engine), daemon=True)
            upstream.start()
            if kind is None:
                _pump(engine, client)
                return
            with contextlib.suppress(OSError):
                engine.recv(65536)
            if kind == "kill-after":
                self._kill()
            elif kind == "stall":
                _wait_for_close(client)
            elif kind == "lost-reply":
                # Closing alone would wait for the thread that still reads from it.
                client.shutdown(socket.SHUT_RDWR)

    def _kill(self) -> None:
        pid = self.victim()
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


def _mutates(request: str) -> bool:
    method, _, rest = request.partition(" ")
    path = rest.split("?")[0].split(" ")[0]
    if method not in ("POST", "PUT", "DELETE"):
        return False
    return not path.endswith(("/wait", "/resize"))


def _read_head(client: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(65536)
        if not more:
            return b""
        data += more
    return data


def _closing(head: bytes) -> bytes:
    """The request with the wish to close afterwards, so that a connection carries one call and is counted right."""
    lines, _, body = head.partition(b"\r\n\r\n")
    if b"upgrade:" in lines.lower():
        return head
    kept = [line for line in lines.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*kept, b"Connection: close"]) + b"\r\n\r\n" + body


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _reset(client: socket.socket) -> None:
    """Close at once, unread input and all: the other side reads a reset connection."""
    with contextlib.suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _wait_for_close(client: socket.socket) -> None:
    """Say nothing until the client gives up."""
    with contextlib.suppress(OSError):
        while client.recv(65536):
            pass
