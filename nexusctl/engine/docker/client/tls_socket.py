"""A connection with TLS that one thread reads from while another writes to it, as a command's streams need it.

Only loaded for an engine behind TLS.
"""

from __future__ import annotations

import contextlib
import io
import socket
import ssl
import threading

CHUNK = 64 * 1024
"""Bytes that are taken from the connection, or given to the cipher, at once."""


class EncryptedSocket:
    """TLS over a connection that one thread may read from while another writes to it.

    OpenSSL's state of a connection is for one thread at a time, and Python's own TLS socket either does not see to
    that or waits for the other side while it does. So the cipher works on memory here, held by one thread for as long
    as that takes, and whoever waits for the other side holds nothing that the other thread needs.
    """

    def __init__(self, plug: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._plug = plug
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._cipher = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._using = threading.Lock()
        # Held over the cipher's lock: records go out in the order in which they were made.
        self._sending = threading.Lock()
        self._ahead = bytearray()

    def shake_hands(self) -> None:
        """Agree with the other side before anything is sent. Raises `OSError`, `ssl.SSLError` among it."""
        while not self._is_agreed():
            self._fill()

    def sendall(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            with self._sending:
                with self._using:
                    left = left[self._cipher.write(left[:CHUNK]) :]
                    records = self._outgoing.read()
                self._plug.sendall(records)

    def makefile(self, mode: str = "rb") -> io.BufferedReader:
        return io.BufferedReader(_Source(self))

    def recv_into(self, buffer: memoryview) -> int:
        """Wait for bytes of the other side and put them there; returns how many, 0 at its end.

        Raises `OSError`, of which `ConnectionResetError` says that it did not tell its end.
        """
        while (count := self._decipher(buffer)) is None:
            self._fill()
        return count

    def is_silent(self, seconds: float, /) -> bool:
        """Whether the other side says nothing within `seconds`, which are taken off its time.

        Its tickets for a next time are no answer.
        """
        patience = self._plug.gettimeout()
        self._plug.settimeout(seconds)
        try:
            while self._fill():
                with self._using:
                    self._read_ahead()
                if self._ahead:
                    break
        except TimeoutError:
            patience = None if patience is None else max(patience - seconds, 0.001)
            return True
        finally:
            self._plug.settimeout(patience)
        return False

    def shutdown(self, how: int) -> None:
        """With SHUT_WR tell the other side that this was all, and go on reading; else cut the connection."""
        if how == socket.SHUT_WR:
            self._end_sending()
        else:
            self._plug.shutdown(how)

    def close(self) -> None:
        self._plug.close()

    def _is_agreed(self) -> bool:
        try:
            self._cipher.do_handshake()
            agreed = True
        except ssl.SSLWantReadError:
            agreed = False
        except ssl.SSLError:
            # Tell the other side what is wrong with it, if it still listens.
            with contextlib.suppress(OSError):
                self._plug.sendall(self._outgoing.read())
            raise
        self._plug.sendall(self._outgoing.read())
        return agreed

    def _decipher(self, buffer: memoryview) -> int | None:
        with self._using:
            if self._ahead:
                count = min(len(buffer), len(self._ahead))
                buffer[:count] = self._ahead[:count]
                del self._ahead[:count]
                return count
            try:
                return int(self._cipher.read(len(buffer), buffer))
            except ssl.SSLWantReadError:
                return None
            except ssl.SSLZeroReturnError:
                return 0
            except ssl.SSLEOFError:
                # Without the other side's word nobody knows whether that was all of it (RFC 8446, section 6.1).
                raise ConnectionResetError from None

    def _fill(self) -> bool:
        """Take in what comes next; whether anything did, and not the end."""
        data = self._plug.recv(CHUNK)
        with self._using:
            if data:
                self._incoming.write(data)
            else:
                self._incoming.write_eof()
        return bool(data)

    def _end_sending(self) -> None:
        with self._sending:
            with self._using:
                # The library looks for the other side's end right after it has said ours, and would lose what it
                # finds there instead.
                self._read_ahead()
                with contextlib.suppress(ssl.SSLWantReadError):
                    self._cipher.unwrap()
                records = self._outgoing.read()
            self._plug.sendall(records)

    def _read_ahead(self) -> None:
        try:
            while data := self._cipher.read(CHUNK):
                self._ahead += data
        except ssl.SSLError:
            # The end, or that there is no more yet: whoever reads next comes upon it again.
            return


class _Source(io.RawIOBase):
    def __init__(self, plug: EncryptedSocket) -> None:
        self._plug = plug

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._plug.recv_into(buffer)
