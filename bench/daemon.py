"""The Engine API over its socket, with nothing in between: the floor that no tool can be faster than."""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Iterator
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
    connection = _Connection("localhost", timeout=300)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(method, path, body=data, headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    if answer.status >= 400:
        raise RuntimeError(f"{method} {path}: {answer.status} {text.decode(errors='replace').strip()}")
    return json.loads(text) if text.strip() else None


def find_labelled(kind: str, label: str) -> list[dict[str, Any]]:
    """All containers (`kind` is "containers/json") or networks ("networks") that bear `label`."""
    filters = quote(json.dumps({"label": [label]}))
    return list(call("GET", f"/{kind}?all=1&filters={filters}"))


def count_builders(since: float, until: float) -> int:
    """How many containers that install packages were created between two times, as the engine's events tell."""
    filters = {"type": ["container"], "event": ["create"], "label": ["dev.nexusctl.role=builder"]}
    return sum(1 for _ in _read_events(since, until, filters))


def _read_events(since: float, until: float, filters: dict[str, list[str]]) -> Iterator[Any]:
    connection = _Connection("localhost", timeout=60)
    path = f"/events?since={since:.6f}&until={until:.6f}&filters={quote(json.dumps(filters))}"
    try:
        connection.request("GET", path)
        for line in connection.getresponse():
            if line.strip():
                yield json.loads(line)
    finally:
        connection.close()
