"""What an engine answers to a call that it has accepted, as a stream to read from."""

from __future__ import annotations

import contextlib
from _socket import SHUT_RDWR, SHUT_WR
from collections.abc import Callable, Iterator, Mapping

from nexusctl.engine.docker.client.http1 import Plug, Reply
from nexusctl.errors import EngineUnreachable

LONGEST_LINE = 4 * 1024 * 1024
"""Bytes of one message of a stream, and of a refusal."""

_PIECE = 256 * 1024


class Answer:
    """The body of an accepted call; a connection that breaks while reading raises `EngineUnreachable`."""

    def __init__(self, plug: Plug, reply: Reply, translate: Callable[[Exception], EngineUnreachable]) -> None:
        self._reply = reply
        self._socket = plug
        self._translate = translate

    @property
    def headers(self) -> Mapping[str, str]:
        """By lower-case name."""
        return self._reply.headers

    def read(self, size: int = -1) -> bytes:
        """`size` bytes, fewer only at the end; all of it without a size."""
        return self._take(self._reply.body.read, size)

    def pieces(self, most: int) -> Iterator[bytes]:
        """All of it as it comes, but for what is beyond `most` bytes."""
        while most > 0 and (data := self.read_some(min(most, _PIECE))):
            most -= len(data)
            yield data

    def read_some(self, size: int) -> bytes:
        """What has come already, at most `size` bytes; waits for the first. Empty at the end."""
        return self._take(self._reply.body.read1, size)

    def send(self, data: bytes) -> None:
        """Send more to an engine that handed the connection over; raises `OSError` when it is gone."""
        self._socket.sendall(data)

    def send_end(self) -> None:
        """Say that nothing more will be sent, while the answer goes on."""
        self._socket.shutdown(SHUT_WR)

    def _take(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            return read(size)
        except OSError as error:
            raise self._translate(error) from error

    def __iter__(self) -> Iterator[bytes]:
        while line := self._take(self._reply.body.readline, LONGEST_LINE):
            yield line

    def cut(self) -> None:
        """End the connection from another thread; whoever reads from it sees its end."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(SHUT_RDWR)

    def close(self) -> None:
        self._reply.body.close()
        self._socket.close()

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
