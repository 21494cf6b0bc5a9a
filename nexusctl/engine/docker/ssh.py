"""The way to an engine on another machine: a process of ssh for each connection, which runs `docker` there."""

from __future__ import annotations

import socket
import subprocess


class SshPlug:
    """Our end of what ssh passes on. With it goes the process, which a network that says nothing would keep."""

    def __init__(self, ours: socket.socket, process: subprocess.Popen[bytes]) -> None:
        self._socket = ours
        self._process = process
        self.sendall, self.makefile, self.shutdown = ours.sendall, ours.makefile, ours.shutdown

    def close(self) -> None:
        self._socket.close()
        self._process.kill()
        self._process.wait()


def dial(destination: str, patience: float | None) -> SshPlug:
    """Connect to `[USER@]HOST[:PORT]`; `patience` is in seconds, None waits for as long as it takes.

    Raises `OSError` where there is no ssh.
    """
    host, _, port = destination.rpartition(":") if destination.rpartition(":")[2].isdigit() else (destination, "", "")
    ours, theirs = socket.socketpair()
    ours.settimeout(patience)
    with theirs:
        process = subprocess.Popen(
            ["ssh", *(["-p", port] if port else []), "--", host, "docker", "system", "dial-stdio"],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
        )
    return SshPlug(ours, process)
