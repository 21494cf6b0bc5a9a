"""A connection to a socket file on `_socket`, in the place of the library's `socket`, for start-up time.

Importing `socket` makes lists of names of every constant there is, which takes a fifteenth of a no-op plan.
"""

from __future__ import annotations

import io
from _socket import AF_UNIX, SOCK_STREAM, socket
from typing import TYPE_CHECKING, Literal

from nexusctl.engine.docker.client.silence import is_silent

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class SocketPlug:
    """A connection on a socket, whose time limit is that of each wait."""

    def __init__(self, plug: socket) -> None:
        self._socket = plug

    def sendall(self, data: bytes, /) -> None:
        self._socket.sendall(data)

    def makefile(self, mode: Literal["rb"], /) -> io.BufferedReader:
        assert mode == "rb"
        return io.BufferedReader(_Received(self._socket))

    def is_silent(self, seconds: float, /) -> bool:
        return is_silent(self._socket, seconds)

    def shutdown(self, how: int, /) -> None:
        self._socket.shutdown(how)

    def close(self) -> None:
        self._socket.close()


class UnixPlug(SocketPlug):
    """Connected to the socket file `path`. Raises `OSError`, `TimeoutError` for no answer within `patience` seconds."""

    def __init__(self, path: str, patience: float | None) -> None:
        super().__init__(socket(AF_UNIX, SOCK_STREAM))
        self._socket.settimeout(patience)
        try:
            self._socket.connect(path)
        except BaseException:
            self._socket.close()
            raise


class _Received(io.RawIOBase):
    """What comes in, as a file."""

    def __init__(self, plug: socket) -> None:
        self._socket = plug
        self._late = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        if self._late:
            # Nobody knows any more which part of the answer comes next.
            raise OSError("an answer is read on after it came too late")
        try:
            return self._socket.recv_into(buffer)
        except TimeoutError:
            self._late = True
            raise
