"""What no stack needs of what nexusctl has made on an engine. Reading alone; each can be made again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.observe.sizes import measure_volumes
from nexusctl.model.engine_names import ENVIRONMENT, without_run
from nexusctl.model.observed.disposable import Disposable

_OURS = {"filters": {"label": [labels.ROLE]}}


def list_disposables(wire: Wire, patience: float) -> tuple[Disposable, ...]:
    """Environments that no container runs on, caches that none mounts, networks of stacks that have nothing else.

    A stack that somebody holds the lock of needs all that it has. What the sizes of caches are is waited for `patience`
    seconds. Raises `EngineError`.
    """
    containers = wire.get("/containers/json", {"all": True})
    volumes = wire.get("/volumes", _OURS)["Volumes"] or []
    caches = _caches(wire, containers, volumes, patience)
    return (*_images(wire, containers), *caches, *_networks(wire, containers, volumes))


def _images(wire: Wire, containers: list[Any]) -> Iterator[Disposable]:
    used = {entry["ImageID"] for entry in containers}
    for entry in sorted(wire.get("/images/json"), key=lambda entry: str(entry["Id"])):
        tags = entry["RepoTags"] or ()
        # One that somebody has given another name too is somebody's.
        if entry["Id"] not in used and tags and all(tag.startswith(ENVIRONMENT) for tag in tags):
            for tag in tags:
                yield Disposable(kind="image", name=tag, about="packages on an image", size=entry.get("Size"))


def _caches(wire: Wire, containers: list[Any], volumes: list[Any], patience: float) -> Iterator[Disposable]:
    mounted = {mount.get("Name") for entry in containers for mount in entry.get("Mounts") or ()}
    names = sorted(v["Name"] for v in volumes if v["Labels"].get(labels.ROLE) == "cache" and v["Name"] not in mounted)
    sizes = measure_volumes(wire, names, patience) if names else {}
    for name in names:
        yield Disposable(kind="cache", name=name, about="what a package manager has fetched", size=sizes.get(name))


def _networks(wire: Wire, containers: list[Any], volumes: list[Any]) -> Iterator[Disposable]:
    busy = {without_run((entry["Labels"] or {}).get(labels.STACK, "")) for entry in (*containers, *volumes)}
    attached = {
        network.get("NetworkID")
        for entry in containers
        for network in ((entry.get("NetworkSettings") or {}).get("Networks") or {}).values()
        if network
    }
    for entry in sorted(wire.get("/networks", _OURS), key=lambda entry: str(entry["Name"])):
        stack = (entry["Labels"] or {}).get(labels.STACK, "")
        role = (entry["Labels"] or {}).get(labels.ROLE)
        if role == "network" and stack and stack not in busy and entry["Id"] not in attached:
            yield Disposable(kind="network", name=entry["Id"], about=f"{entry['Name']} of stack {stack}")
