"""Looking at images from outside and from inside."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.command import Outcome
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run


def config(wire: Wire, image: str) -> dict[str, Any]:
    found: dict[str, Any] = wire.get(f"/images/{image}/json")["Config"]
    return found


def packages(wire: Wire, image: str) -> Any:
    return json.loads(config(wire, image)["Labels"][labels.IMAGE_PACKAGES])


def builders(wire: Wire) -> set[str]:
    """The builders of this process; other tests have theirs at the same time."""
    query = {"all": True, "filters": {"label": [f"{labels.ROLE}=builder"]}}
    found = {entry["Id"]: entry["Labels"][labels.BUILDER] for entry in wire.get("/containers/json", query)}
    return {container_id for container_id, owner in found.items() if json.loads(owner)["pid"] == os.getpid()}


@contextmanager
def container(wire: Wire, image: str, **body: Any) -> Iterator[str]:
    """The id of a new container, which is removed at the end."""
    created = str(wire.post("/containers/create", {"Image": image, **body})["Id"])
    try:
        yield created
    finally:
        wire.delete(f"/containers/{created}", {"force": True, "v": True})


def run_in(wire: Wire, image: str, command: Sequence[str], working_dir: str = "/") -> Outcome:
    """Run `command` in a new container that reaches no network."""
    body = {"Entrypoint": ["/bin/sh"], "Cmd": [], "OpenStdin": True, "HostConfig": {"NetworkMode": "none"}}
    with container(wire, image, **body) as created:
        wire.post(f"/containers/{created}/start")
        return run(wire, created, command, working_dir=working_dir)


def find_in_files(wire: Wire, image: str, *words: bytes) -> set[bytes]:
    """Which of `words` stand in any file of the image, or in what the engine tells of it."""
    with container(wire, image) as created, wire.open("GET", f"/containers/{created}/export") as answer:
        found = search(answer.read, words)
    told = json.dumps([wire.get(f"/images/{image}/json"), wire.get(f"/images/{image}/history")]).encode()
    return found | {word for word in words if word in told}


def search(read: Any, words: Sequence[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    tail = b""
    while block := read(1 << 20):
        found |= {word for word in words if word in tail + block}
        tail = block[-64:]
    return found
