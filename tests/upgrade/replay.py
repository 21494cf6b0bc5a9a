"""Puts on the engine what `save` has written down, call by call, as an older nexusctl left it."""

from __future__ import annotations

import base64
import gzip
import json
import os
import posixpath
import re
from pathlib import Path
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from tests.templates.recipes import make_image
from tests.upgrade.save import MEMORY


def replay(wire: Wire, saved: Path, folder: Path) -> dict[str, str]:
    """Make everything; `folder` is that of the stack file. Returns the ids of the containers by name."""
    text = saved.read_text().replace("<<folder>>", str(folder))
    for place, template in set(re.findall(r"(<<image:nexusctl/([a-z]+):[0-9a-f]+>>)", text)):
        text = text.replace(place, wire.get(f"/images/{make_image(wire, template)}/json")["Id"])
    for network in json.loads(text)["networks"]:
        made = wire.post("/networks/create", {**network, "CheckDuplicate": True})["Id"]
        text = text.replace(f"<<network:{network['Name']}>>", made)
    document = json.loads(text)
    late = [volume for volume in document["volumes"] if "<<" in json.dumps(volume)]
    for volume in document["volumes"]:
        if volume not in late:
            wire.post("/volumes/create", volume)
    for image in document["images"]:
        _make_environment(wire, image)
    for secret in document["secrets"]:
        _put_secret(secret)
    ids = {container["name"]: _make_container(wire, container) for container in document["containers"]}
    words = json.dumps(late)
    for name, made in ids.items():
        words = words.replace(f"<<id:{name}>>", made).replace(f"<<short:{name}>>", made[:16])
    for volume in json.loads(words):
        wire.post("/volumes/create", volume)
    return ids


def forget(wire: Wire, saved: Path) -> None:
    """Remove the images, which belong to no stack."""
    for image in json.loads(saved.read_text())["images"]:
        wire.call("DELETE", f"/images/{image['tag']}")


def _make_container(wire: Wire, container: dict[str, Any]) -> str:
    body, networks = container["body"], container["networks"]
    first = next(iter(networks), "") if body["HostConfig"].get("NetworkMode") != "none" else ""
    endpoints = {first: {"Aliases": networks[first]}} if first else {}
    body = {**body, "NetworkingConfig": {"EndpointsConfig": endpoints}}
    if first:
        body["HostConfig"] = {**body["HostConfig"], "NetworkMode": first}
    made: str = wire.post("/containers/create", body, {"name": container["name"]})["Id"]
    for name in list(networks)[1:]:
        wire.post(f"/networks/{name}/connect", {"Container": made, "EndpointConfig": {"Aliases": networks[name]}})
    for target, archive in container["files"].items():
        _put_archive(wire, made, posixpath.dirname(target), archive)
    wire.post(f"/containers/{made}/start")
    if container["task"]:
        assert wire.post(f"/containers/{made}/wait")["StatusCode"] == 0
    return made


def _make_environment(wire: Wire, image: dict[str, Any]) -> None:
    base = image["labels"][labels.IMAGE_BASE]
    made = wire.post("/containers/create", {"Image": base, "Cmd": ["true"], "WorkingDir": image["folder"]})["Id"]
    try:
        _put_archive(wire, made, posixpath.dirname(image["folder"]), image["files"])
        repository, _, tag = image["tag"].rpartition(":")
        config = wire.get(f"/images/{base}/json")["Config"]
        wire.post(
            "/commit",
            {**config, "Labels": {**(config["Labels"] or {}), **image["labels"]}},
            {"container": made, "repo": repository, "tag": tag},
        )
    finally:
        wire.delete(f"/containers/{made}", {"force": True})


def _put_archive(wire: Wire, container: str, folder: str, archive: str) -> None:
    data = gzip.decompress(base64.b64decode(archive))
    path = f"/containers/{container}/archive"
    with wire.open("PUT", path, {"path": folder}, iter([data]), content_type="application/x-tar") as answer:
        answer.read()


def _put_secret(secret: dict[str, Any]) -> None:
    folder = MEMORY / secret["folder"]
    MEMORY.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o755, exist_ok=True)
    file = folder / secret["name"]
    file.write_text(secret["content"])
    os.chown(file, *secret["owner"])
    file.chmod(secret["mode"])
