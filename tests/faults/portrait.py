"""What the engine holds of one stack, without what differs from run to run: two equal portraits are one state."""

from __future__ import annotations

import time
from typing import Any

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run
from nexusctl.engine.labels import ROLE, SANDBOX, SECRETS, STACK
from nexusctl.model.engine_names import is_environment

Portrait = dict[str, Any]

_PACKAGES = tuple(f"node_modules/{name}/package.json" for name in ("ms", "is-odd", "is-number"))

FILES = (
    "/srv/one.txt",
    "/srv/kept",
    "/data/started",
    "/data/loaded",
    "/data/torn",
    "/data/held",
    "/run/secrets/token",
    *_PACKAGES,
)
"""The files that the scenarios write, those of packages in the working folder."""

TASK = "load"
"""The one that ends by itself; not every tool waits for that."""

PATIENCE = 120.0
"""Seconds that it gets."""

_OWNERS = (STACK, "com.docker.compose.project")
_MEMBERS = (SANDBOX, "com.docker.compose.service")


def take_portrait(wire: Wire, stack: str) -> Portrait:
    """Every object whose name or label is the stack's: names, settings, states, files."""
    _wait_for_task(wire, stack)
    return {
        "containers": sorted((_container(wire, entry["Id"], stack) for entry in list_containers(wire, stack)), key=str),
        "networks": sorted(
            f"{_plain(network['Name'], stack)} internal={network['Internal']}" for network in list_networks(wire, stack)
        ),
        "volumes": sorted(_call(volume, stack) for volume in list_volumes(wire, stack) if not _is_amendment(volume)),
    }


def list_containers(wire: Wire, stack: str) -> list[dict[str, Any]]:
    listed = wire.get("/containers/json", {"all": True})
    return [entry for entry in listed if _is_ours(entry["Names"][0].lstrip("/"), entry["Labels"], stack)]


def list_environments(wire: Wire, stack: str) -> set[str]:
    """The tags of the images that hold the packages of its sandboxes."""
    return {str(entry["Image"]) for entry in list_containers(wire, stack) if is_environment(entry["Image"])}


def list_networks(wire: Wire, stack: str) -> list[dict[str, Any]]:
    return [entry for entry in wire.get("/networks") if _is_ours(entry["Name"], entry["Labels"], stack)]


def list_volumes(wire: Wire, stack: str) -> list[dict[str, Any]]:
    """All of them, locks and amendments too."""
    listed = wire.get("/volumes")["Volumes"] or []
    return [entry for entry in listed if _is_ours(entry["Name"], entry["Labels"], stack) or stack in entry["Name"]]


def _wait_for_task(wire: Wire, stack: str) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        listed = list_containers(wire, stack)
        if not any(_member(entry["Labels"]) == TASK and entry["State"] == "running" for entry in listed):
            return
        time.sleep(0.05)


def _container(wire: Wire, container_id: str, stack: str) -> dict[str, Any]:
    seen = wire.get(f"/containers/{container_id}/json")
    host, config = seen["HostConfig"], seen["Config"]
    running = seen["State"]["Status"] == "running"
    return {
        "name": _plain(seen["Name"].lstrip("/"), stack),
        "sandbox": _member(config["Labels"]),
        "image": "with packages" if is_environment(config["Image"]) else config["Image"],
        "state": seen["State"]["Status"],
        "exit": seen["State"]["ExitCode"],
        "env": sorted(config["Env"] or []),
        "cmd": config["Cmd"],
        "memory": host["Memory"],
        "restart": host["RestartPolicy"]["Name"],
        "networks": sorted(
            f"{_plain(name, stack)} {_aliases(end, container_id, stack)}"
            for name, end in seen["NetworkSettings"]["Networks"].items()
        ),
        "ports": sorted(f"{inside} {_count(ends)}" for inside, ends in seen["NetworkSettings"]["Ports"].items()),
        "mounts": sorted(f"{_plain(m.get('Name', ''), stack)}:{m['Destination']}" for m in seen["Mounts"]),
        "files": _plain(_read_files(wire, container_id), stack) if running else "",
    }


def _count(ends: list[Any] | None) -> str:
    """Where a port is published differs from run to run."""
    return "published" if ends else "not published"


def _member(labels: dict[str, str] | None) -> str:
    """The sandbox or service that a container is for."""
    return next((value for key, value in (labels or {}).items() if key in _MEMBERS), "")


def _aliases(end: dict[str, Any], container_id: str, stack: str) -> list[str]:
    """The names that it has there, without the one that the engine makes of its id."""
    return sorted({_plain(name, stack) for name in end["Aliases"] or [] if name != container_id[:12]})


def _read_files(wire: Wire, container_id: str) -> str:
    """Name, mode, owner and content of those of `FILES` that are there."""
    script = 'for file; do if [ -e "$file" ]; then stat -c "%n %a %u:%g" "$file"; cat "$file"; fi; done'
    outcome = run(wire, container_id, ("/bin/sh", "-c", script, "sh", *FILES))
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


def _is_ours(name: str, labels: dict[str, str] | None, stack: str) -> bool:
    if any((labels or {}).get(key) == stack for key in _OWNERS):
        return True
    return name.startswith((f"{stack}_", f"{stack}-"))


def _is_amendment(volume: dict[str, Any]) -> bool:
    """Whether one is needed depends on the way that led here, and its content is compared by the plan; so for notes."""
    marks = volume.get("Labels") or {}
    return SANDBOX in marks or marks.get(ROLE) == "note"


def _call(volume: dict[str, Any], stack: str) -> str:
    """Its name; a deed of secrets bears one that nobody chose."""
    return "secrets" if SECRETS in (volume.get("Labels") or {}) else _plain(volume["Name"], stack)


def _plain(name: str, stack: str) -> str:
    return name.replace(stack, "STACK")
