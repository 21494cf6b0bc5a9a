"""What the engine holds of one stack, without what differs from run to run: two equal portraits are one state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nexusctl.engine.docker.exec import run
from nexusctl.engine.docker.wire import Wire
from nexusctl.engine.labels import SANDBOX, STACK

Portrait = dict[str, Any]

FILES = ("/srv/one.txt", "/data/started", "/data/loaded")
"""The files that the scenarios write."""


def take_portrait(wire: Wire, stack: str) -> Portrait:
    """Every object whose name or label is the stack's: names, settings, states, files."""
    listed = wire.get("/containers/json", {"all": True})
    ours = [entry for entry in listed if _is_ours(entry["Names"][0].lstrip("/"), entry["Labels"], stack)]
    return {
        "containers": sorted((_container(wire, entry["Id"], stack) for entry in ours), key=str),
        "networks": sorted(_plain(n["Name"], stack) for n in wire.get("/networks") if _of(n, stack)),
        "volumes": sorted(
            _plain(v["Name"], stack) for v in wire.get("/volumes")["Volumes"] or [] if _of(v, stack) and not _is_note(v)
        ),
    }


def remains(wire: Wire, stack: str, ids: set[str]) -> list[str]:
    """What is still there after a destroy: on the engine, and below it mounts and processes of the containers `ids`."""
    portrait = take_portrait(wire, stack)
    left = [f"{kind} {entry}" for kind, entries in portrait.items() for entry in entries]
    left += [v["Name"] for v in wire.get("/volumes")["Volumes"] or [] if _of(v, stack) or stack in v["Name"]]
    mounts = Path("/proc/mounts").read_text()
    left += [f"mount of {container_id[:12]}" for container_id in ids if container_id in mounts]
    left += [f"process {line}" for line in _processes() if any(container_id in line for container_id in ids)]
    return left


def container_ids(wire: Wire, stack: str) -> set[str]:
    listed = wire.get("/containers/json", {"all": True})
    return {entry["Id"] for entry in listed if _is_ours(entry["Names"][0].lstrip("/"), entry["Labels"], stack)}


def _container(wire: Wire, container_id: str, stack: str) -> dict[str, Any]:
    seen = wire.get(f"/containers/{container_id}/json")
    host, config = seen["HostConfig"], seen["Config"]
    running = seen["State"]["Status"] == "running"
    return {
        "name": _plain(seen["Name"].lstrip("/"), stack),
        "sandbox": config["Labels"].get(SANDBOX, ""),
        "state": seen["State"]["Status"],
        "exit": seen["State"]["ExitCode"],
        "env": sorted(config["Env"] or []),
        "cmd": config["Cmd"],
        "memory": host["Memory"],
        "restart": host["RestartPolicy"]["Name"],
        "networks": sorted(_plain(name, stack) for name in seen["NetworkSettings"]["Networks"]),
        "mounts": sorted(f"{_plain(m.get('Name', ''), stack)}:{m['Destination']}" for m in seen["Mounts"]),
        "files": _files(wire, container_id) if running else {},
    }


def _files(wire: Wire, container_id: str) -> dict[str, str]:
    outcomes = {path: run(wire, container_id, ["cat", path]) for path in FILES}
    return {path: outcome.output for path, outcome in outcomes.items() if outcome.exit_code == 0}


def _processes() -> list[str]:
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return lines


def _is_ours(name: str, labels: dict[str, str], stack: str) -> bool:
    return labels.get(STACK) == stack or name.startswith(f"{stack}_")


def _of(entry: dict[str, Any], stack: str) -> bool:
    return _is_ours(entry["Name"], entry.get("Labels") or {}, stack)


def _is_note(volume: dict[str, Any]) -> bool:
    """An amendment: whether one is needed depends on the way that led here, and its content is compared by the plan."""
    return SANDBOX in (volume.get("Labels") or {})


def _plain(name: str, stack: str) -> str:
    return name.replace(stack, "STACK")
