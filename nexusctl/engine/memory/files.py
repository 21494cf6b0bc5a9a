"""The files of a container."""

from __future__ import annotations

from collections.abc import Iterator

from nexusctl.engine.base import ChangeKind
from nexusctl.engine.fetched import Fetched
from nexusctl.engine.memory.world import World
from nexusctl.errors import NotFound


def list_changes(world: World, container_id: str) -> dict[str, ChangeKind]:
    """Nothing of an image is known here: what was uploaded was added."""
    with world.mutex:
        return dict.fromkeys(world.get(container_id).files, "added")


def read_file(world: World, container_id: str, path: str) -> bytes | None:
    """What stands for the content of an uploaded file: its digest."""
    with world.mutex:
        found = world.get(container_id).files.get(path)
        return found.digest.encode() if found and found.kind == "file" else None


def fetch(world: World, container_id: str, path: str) -> Iterator[Fetched]:
    """Of files what stands for their content, as `read_file` has it. Raises `NotFound`."""
    with world.mutex:
        files = world.get(container_id).files
        found = {name: file for name, file in sorted(files.items()) if name == path or name.startswith(f"{path}/")}
    if not found:
        raise NotFound(f"there is no {path} in container {container_id}", status=404)
    for name, file in found.items():
        below = name[len(path) :].lstrip("/")
        if file.kind == "file":
            data = file.digest.encode()
            yield Fetched(path=below, kind="file", size=len(data), mode=file.mode, pieces=iter([data]))
        else:
            yield Fetched(path=below, kind="folder" if file.kind == "folder" else "other")
