"""The way to an engine on another machine: a process of ssh for each connection, which runs `docker` there."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import subprocess
from typing import Literal

from nexusctl.engine.docker.client.silence import is_silent

CONNECT_TIMEOUT = 10
"""Seconds that ssh has until the other side greets it; a login may take longer."""

_WORDS = 64 * 1024
_GRACE = 2.0


class SshFailed(OSError):
    """What ssh itself says; `hint` is what to do about it."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


class SshPlug:
    """A connection to `destination`, such as `USER@HOST:22`. Raises `SshFailed` where there is no ssh here."""

    def __init__(self, destination: str, timeout: float | None) -> None:
        name, _, port = destination.rpartition(":")
        host, port = (name, port) if port.isdigit() and name else (destination, "")
        options = ["-T", "-o", f"ConnectTimeout={CONNECT_TIMEOUT}", *(["-p", port] if port else [])]
        self._plug, theirs = socket.socketpair()
        self._plug.settimeout(timeout)
        self._words, said = os.pipe()
        os.set_blocking(self._words, False)
        try:
            with theirs:
                self._process = subprocess.Popen(
                    ["ssh", *options, "--", host, "docker", "system", "dial-stdio"],
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=said,
                )
        except FileNotFoundError:
            self._plug.close()
            os.close(self._words)
            raise SshFailed("ssh is not installed on this machine", "install it: `apt-get install ssh`") from None
        finally:
            os.close(said)

    def sendall(self, data: bytes, /) -> None:
        self._plug.sendall(data)

    def makefile(self, mode: Literal["rb"], /) -> io.BufferedReader:
        return self._plug.makefile(mode)

    def is_silent(self, seconds: float, /) -> bool:
        return is_silent(self._plug, seconds)

    def shutdown(self, how: int, /) -> None:
        self._plug.shutdown(how)

    def close(self) -> None:
        """End the process, too, which may wait for the other side for as long as it likes."""
        self._plug.close()
        with contextlib.suppress(OSError):
            os.close(self._words)
        self._words = -1
        self._process.terminate()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def explain(self, error: Exception) -> Exception:
        """`error`, or what ssh has said about it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._process.wait(_GRACE if not isinstance(error, TimeoutError) else 0)
            return SshFailed(self._read_last() or f"ssh ended with exit code {code}")
        return error

    def _read_last(self) -> str:
        said = b""
        with contextlib.suppress(OSError):
            said = os.read(self._words, _WORDS)
        lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else ""
