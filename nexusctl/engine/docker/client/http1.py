"""One HTTP/1.1 request and its reply on a socket that is used for nothing else (RFC 9112).

The standard library's client reads replies with its e-mail parser. Importing that takes a fifth of a no-op plan, so
the little that one call to an engine needs stands here: a length, chunks, or the end of the connection.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Literal, Protocol

from nexusctl.model.values.frozen import dataclass

LINE_LIMIT = 65536
"""Bytes of one line of a reply's head."""

HEADERS = 200
"""How many of them a reply has at most."""

_COPIED = 64 * 1024
"""Bytes of a chunk up to which a copy of it is cheaper than a call of its own."""

_DIGITS = frozenset("0123456789")
_HEX_DIGITS = frozenset("0123456789ABCDEFabcdef")
_LONGEST_LENGTH, _LONGEST_CHUNK_LENGTH = 18, 15

SWITCHING_PROTOCOLS = 101


class ProtocolError(OSError):
    """The other side hung up in the middle, or does not speak HTTP."""


class Plug(Protocol):
    """A connection to an engine: a socket, or what stands in for one where there is TLS."""

    def sendall(self, data: bytes, /) -> None: ...

    def makefile(self, mode: Literal["rb"], /) -> io.BufferedReader: ...

    def is_silent(self, seconds: float, /) -> bool: ...

    def shutdown(self, how: int, /) -> None: ...

    def close(self) -> None: ...


class Stream(Protocol):
    """What a reply's body is read through."""

    def readinto(self, buffer: memoryview, /) -> int: ...

    def read(self, size: int = -1, /) -> bytes: ...

    def read1(self, size: int = -1, /) -> bytes: ...

    def readline(self, size: int | None = -1, /) -> bytes: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """`headers` have lower-case names. After status 101 `body` is the bare connection, else it ends with the reply."""

    status: int
    headers: Mapping[str, str]
    body: Stream


def send_request(
    plug: Plug, method: str, target: str, headers: Mapping[str, str], data: bytes | Iterable[bytes] | None
) -> None:
    """Write a whole request; an iterable is sent in chunks. Raises `OSError`."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    whole = b"" if data is None else data
    if isinstance(whole, bytes):
        head = "\r\n".join([*lines, f"Content-Length: {len(whole)}", "", ""])
        plug.sendall(head.encode() + whole)
        return
    plug.sendall("\r\n".join([*lines, "Transfer-Encoding: chunked", "", ""]).encode())
    end = b""
    for chunk in whole:
        if len(chunk) > _COPIED:
            plug.sendall(b"%b%x\r\n" % (end, len(chunk)))
            plug.sendall(chunk)
            end = b"\r\n"
        elif chunk:
            plug.sendall(b"%b%x\r\n%b" % (end, len(chunk), chunk))
            end = b"\r\n"
    plug.sendall(end + b"0\r\n\r\n")


def read_reply(plug: Plug, method: str = "GET") -> Reply:
    """Read the head of the reply to a `method`; its body is read from what is returned.

    Raises `OSError`, `ProtocolError` among them.
    """
    source = plug.makefile("rb")
    status, headers = _read_head(source)
    while 100 <= status < 200 and status != SWITCHING_PROTOCOLS:
        status, headers = _read_head(source)
    # The reply to a HEAD names the length of a body that it has not.
    body = io.BytesIO() if method == "HEAD" else _choose_body(source, status, headers)
    return Reply(status=status, headers=headers, body=body)


def _read_head(source: io.BufferedReader) -> tuple[int, dict[str, str]]:
    version, _, rest = _read_line(source).partition(" ")
    code = rest[:3]
    if not version.startswith("HTTP/1.") or not code.isdecimal():
        raise ProtocolError("it does not speak HTTP")
    headers: dict[str, str] = {}
    while line := _read_line(source):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
        if len(headers) > HEADERS:
            raise ProtocolError("its answer has more headers than any engine's")
    return int(code), headers


def _read_line(source: io.BufferedReader) -> str:
    line = source.readline(LINE_LIMIT)
    if not line.endswith(b"\n"):
        raise ProtocolError("it closed the connection without an answer" if not line else "it sent half an answer")
    return line.rstrip(b"\r\n").decode("latin-1")


def _choose_body(source: io.BufferedReader, status: int, headers: Mapping[str, str]) -> Stream:
    if status == SWITCHING_PROTOCOLS:
        return source
    if status in (204, 304):
        return io.BufferedReader(_Sized(source, 0))
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return io.BufferedReader(_Chunked(source))
    if length := headers.get("content-length", ""):
        if len(length) > _LONGEST_LENGTH or not _DIGITS.issuperset(length):
            raise ProtocolError(f"it says that its answer has {length[:20]!r} bytes")
        return io.BufferedReader(_Sized(source, int(length)))
    return source


class _Sized(io.RawIOBase):
    """A body of a known length; one that ends before it is an error."""

    def __init__(self, source: io.BufferedReader, length: int) -> None:
        self._source = source
        self._left = length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._left:
            return 0
        size = self._source.readinto1(buffer[: self._left])
        if not size:
            raise ProtocolError("it closed the connection in the middle of its answer")
        self._left -= size
        return size

    def close(self) -> None:
        self._source.close()
        super().close()


class _Chunked(io.RawIOBase):
    """A body in chunks, each with its length in front; what follows the last one is dropped."""

    def __init__(self, source: io.BufferedReader) -> None:
        self._source = source
        self._left = 0
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._left and not self._ended:
            self._begin_chunk()
        if self._ended:
            return 0
        size = self._source.readinto1(buffer[: self._left])
        if not size:
            raise ProtocolError("it closed the connection in the middle of its answer")
        self._left -= size
        if not self._left:
            _read_line(self._source)
        return size

    def _begin_chunk(self) -> None:
        size = _read_line(self._source).partition(";")[0].strip()
        if not size or len(size) > _LONGEST_CHUNK_LENGTH or not _HEX_DIGITS.issuperset(size):
            raise ProtocolError(f"it sent a chunk of length {size[:20]!r}")
        self._left = int(size, 16)
        if not self._left:
            self._ended = True
            while _read_line(self._source):
                pass

    def close(self) -> None:
        self._source.close()
        super().close()
