"""`python -m tests.upgrade.save STACK FOLDER`: what makes up a live stack on the engine, as JSON on stdout.

FOLDER is that of its stack file. What differs from one engine to the next has a place-holder: `<<id:NAME>>` and
`<<short:NAME>>` for a container, `<<network:NAME>>`, `<<folder>>`, and `<<image:REFERENCE>>` for ids of images.
"""

from __future__ import annotations

import base64
import gzip
import json
import sys
from pathlib import Path
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.client.endpoint import connect

MEMORY = Path("/dev/shm/nexusctl")
_OF_THE_ENGINE = {"MaskedPaths", "ReadonlyPaths", "ConsoleSize", "ShmSize", "Runtime", "CgroupnsMode", "IpcMode"}
_BORN = (
    *("Hostname", "User", "ExposedPorts", "Env", "Cmd", "Healthcheck", "Image", "WorkingDir", "Labels"),
    *("StopTimeout", "StopSignal"),
)


def save(wire: Wire, stack: str, folder: Path) -> str:
    marked = {"filters": {"label": [f"{labels.STACK}={stack}"]}}
    listed = wire.get("/containers/json", {"all": True, **marked})
    containers = [wire.get(f"/containers/{entry['Id']}/json") for entry in reversed(listed)]
    networks = [wire.get(f"/networks/{entry['Id']}") for entry in wire.get("/networks", marked)]
    volumes = wire.get("/volumes", marked)["Volumes"]
    bases = {image["Id"]: tag for image in wire.get("/images/json") for tag in image["RepoTags"] or ()}
    document = {
        "networks": [
            {key: entry[key] for key in ("Name", "Driver", "Internal", "Options", "Labels")} for entry in networks
        ],
        "volumes": [
            {"Name": entry["Name"], "Labels": entry["Labels"]} for entry in sorted(volumes, key=lambda one: one["Name"])
        ],
        "images": _read_environments(wire, containers),
        "containers": [_describe(wire, container) for container in containers],
        "secrets": [
            _read_secret(path) for container in containers for path in _secrets_of(container["Config"]["Labels"])
        ],
    }
    text = json.dumps(document, indent=1, sort_keys=True)
    for container in containers:
        name = container["Name"].lstrip("/")
        text = text.replace(container["Id"], f"<<id:{name}>>").replace(container["Id"][:16], f"<<short:{name}>>")
    for network in wire.get("/networks"):
        text = text.replace(network["Id"], f"<<network:{network['Name']}>>")
    for image, tag in bases.items():
        text = text.replace(image, f"<<image:{tag}>>")
    return text.replace(str(folder), "<<folder>>") + "\n"


def _describe(wire: Wire, container: dict[str, Any]) -> dict[str, Any]:
    host = {key: value for key, value in container["HostConfig"].items() if value and key not in _OF_THE_ENGINE}
    uploads = json.loads(container["Config"]["Labels"][labels.RECORD])["sandbox"].get("uploads", [])
    return {
        "name": container["Name"].lstrip("/"),
        "body": {**{key: container["Config"].get(key) for key in _BORN}, "HostConfig": host},
        "networks": {
            name: [alias for alias in entry["Aliases"] or () if alias != container["Id"][:12]]
            for name, entry in container["NetworkSettings"]["Networks"].items()
        },
        "task": container["State"]["Status"] == "exited",
        "files": {upload["target"]: _read_archive(wire, container["Id"], upload["target"]) for upload in uploads},
    }


def _read_environments(wire: Wire, containers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Images with packages: their labels, and what lies in their working folder."""
    found = {}
    for container in containers:
        tag = container["Config"]["Image"]
        if tag.startswith("nexusctl/env:"):
            marks = wire.get(f"/images/{tag}/json")["Config"]["Labels"]
            folder = container["Config"]["WorkingDir"]
            found[tag] = {"tag": tag, "labels": marks, "folder": folder}
            found[tag]["files"] = _read_archive(wire, container["Id"], folder)
    return list(found.values())


def _read_archive(wire: Wire, container: str, path: str) -> str:
    with wire.open("GET", f"/containers/{container}/archive", {"path": path}) as answer:
        return base64.b64encode(gzip.compress(answer.read(), mtime=0)).decode()


def _secrets_of(marks: dict[str, str]) -> list[Path]:
    return sorted((MEMORY / marks[labels.SECRETS]).iterdir()) if marks[labels.SECRETS] else []


def _read_secret(path: Path) -> dict[str, Any]:
    about = path.stat()
    return {
        "folder": path.parent.name,
        "name": path.name,
        "mode": about.st_mode & 0o7777,
        "owner": [about.st_uid, about.st_gid],
        "content": path.read_text(),
    }


if __name__ == "__main__":
    sys.stdout.write(save(connect(), sys.argv[1], Path(sys.argv[2]).resolve()))
