"""The Engine API over its socket, with nothing in between: the floor that no tool can be faster than."""

from __future__ import annotations

import http.client
import io
import json
import os
import socket
import tarfile
import threading
from contextlib import suppress
from typing import Any
from urllib.parse import quote

SOCKET = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(SOCKET)


def call(method: str, path: str, body: Any = None) -> Any:
    """One call to its end; returns the decoded JSON. Raises RuntimeError for a refusal."""
    text = _ask(method, path, None if body is None else json.dumps(body))
    return json.loads(text) if text.strip() else None


def read_file(container: str, path: str) -> bytes:
    """The content of a file inside a container. Raises RuntimeError where there is none."""
    data = _ask("GET", f"/containers/{container}/archive?path={quote(path)}")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        content = archive.extractfile(archive.getmembers()[0])
        assert content is not None
        return content.read()


def find_labelled(kind: str, label: str) -> list[dict[str, Any]]:
    """All containers (`kind` is "containers/json") or networks ("networks") that bear `label`."""
    filters = quote(json.dumps({"label": [label]}))
    return list(call("GET", f"/{kind}?all=1&filters={filters}"))


class BuilderWatch:
    """Hears of every container that is created to fetch packages, from its beginning to its end.

    What they bring with them to be run, another one runs.

    It listens while things happen, because the engine remembers only its last few hundred events.
    """

    def __init__(self) -> None:
        filters = {"type": ["container"], "event": ["create"], "label": ["dev.nexusctl.role=builder"]}
        self._connection = _Connection("localhost", timeout=3600)
        self._connection.request("GET", f"/events?filters={quote(json.dumps(filters))}")
        self._answer = self._connection.getresponse()
        self._owners: list[int] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> BuilderWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def count(self, pid: int) -> int:
        """How many of them the nexusctl with this process id has made."""
        return self._owners.count(pid)

    def _listen(self) -> None:
        # The end of the watch cuts the stream, which is not an error.
        with suppress(OSError, http.client.HTTPException):
            for line in self._answer:
                if line.strip():
                    owner = json.loads(json.loads(line)["Actor"]["Attributes"]["dev.nexusctl.builder"])
                    self._owners += [] if owner.get("runs") else [owner["pid"]]


def _ask(method: str, path: str, data: str | None = None) -> bytes:
    connection = _Connection("localhost", timeout=300)
    try:
        connection.request(method, path, body=data, headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        found = answer.read()
    finally:
        connection.close()
    if answer.status >= 400:
        raise RuntimeError(f"{method} {path}: {answer.status} {found.decode(errors='replace').strip()}")
    return found
