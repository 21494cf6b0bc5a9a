"""A builder: a container in which an image is made from another one, and which is gone afterwards.

What must not stay in the image lies below /dev, a tmpfs of every container: the host's CA bundle, managers' settings,
and the managers' caches, which are volumes and so outlive the build. /tmp is a volume that goes with the builder.

There are two kinds. One fetches: it has the host's passwords, its way to the indexes and the caches, and runs nothing
that comes from there. The other runs that, and has none of these: it reads what the first has fetched for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import uuid
from _socket import gethostname
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.command import Outcome
from nexusctl.engine.docker.client.claim_volume import bears, claim_volume
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec import exec as commands
from nexusctl.engine.docker.images.host_trust import FOLDER, HostTrust, is_private
from nexusctl.engine.docker.objects.lock import has_ended, process_birth
from nexusctl.errors import EngineError, NotFound
from nexusctl.model.values.frozen import dataclass

CACHES = f"{FOLDER}/cache"

FETCHED = f"{FOLDER}/fetched"
"""A volume that goes with the builder which fetches; the one that runs what came can only read it."""

_CACHE = "nexusctl_fetched"
"""The prefix of the caches' names. Older ones, `nexusctl_cache_npm` and `_pip`, scripts could write to."""

_DROPPED = ["NET_RAW", "AUDIT_WRITE"]
"""Capabilities of the engine's default that no installation needs; with the first one reads neighbours' traffic."""

INSTALL_TIMEOUT = 3600.0
"""Seconds for one command of a package manager or a recipe, downloads and compilers included."""

MANAGER_TIMEOUT = 120.0
"""Seconds for one question to a package manager, which may look at tens of thousands of files for it."""

STALE = 3600.0
"""Seconds after which a builder whose owner cannot be looked at counts as left behind."""

_CHUNK = 96 * 1024
"""Bytes of a file in one variable; the kernel takes 128 KiB."""

_WRITE = """
umask 077
mkdir -p "$2"
: > "$1"
i=0
while [ $i -lt $3 ]; do
  eval "printf %s \\"\\$NEXUSCTL_PART_$i\\"" >> "$1"
  i=$((i + 1))
done
chmod "$4" "$1"
chmod 755 "$2"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """A running builder; `base` is what the engine says of the image that it was made from.

    A live sandbox that gets packages is one for that time, and then `base` is what the engine says of itself.
    `online` says that it has a network, `fetched` is the name of its volume `FETCHED`, empty for none.
    """

    wire: Wire
    id: str
    base: Mapping[str, Any]
    trust: HostTrust
    online: bool = True
    fetched: str = ""

    @property
    def working_dir(self) -> str:
        return str(self.base["Config"].get("WorkingDir") or "/")

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        working_dir: str = "/",
        on_output: Callable[[bytes], None] | None = None,
        timeout: float = INSTALL_TIMEOUT,
    ) -> Outcome:
        """Run `command` as root with the host's settings and `env`; after `timeout` seconds it is ended."""
        return commands.run(
            self.wire,
            self.id,
            command,
            env={**self.trust.env, **(env or {})},
            user="0:0",
            working_dir=working_dir,
            on_output=on_output,
            timeout=timeout,
        )

    def commit(self, tag: str, *, marks: Mapping[str, str], changes: Mapping[str, Any] | None = None) -> None:
        """Make the image `tag` of what is there now, with the base's configuration but for `changes`.

        The builder's own labels are emptied, because images pass theirs on to containers.
        """
        repository, _, version = tag.rpartition(":")
        own = {labels.ROLE: "", labels.BUILDER: ""}
        self._commit({"Labels": {**own, **marks}, **(changes or {})}, {"repo": repository, "tag": version})

    def commit_part(self) -> str:
        """Make an image of what is there now, on the way to another one; returns its id. It has no tag."""
        marks = {labels.ROLE: "builder", labels.BUILDER: describe_owner()}
        return str(self._commit({"Labels": marks}, {})["Id"])

    def _commit(self, changes: Mapping[str, Any], query: Mapping[str, str]) -> Any:
        base = self.base["Config"]
        config = {
            "Entrypoint": base.get("Entrypoint") or [],
            "Cmd": base.get("Cmd") or [],
            "Env": base.get("Env") or [],
            **changes,
        }
        # What an engine has begun of it, it brings to an end: that is not left to itself.
        return self.wire.uncut.post("/commit", config, {"container": self.id, "pause": False, **query})


@contextmanager
def open_builder(
    wire: Wire, base: str, trust: HostTrust, caches: Mapping[str, str] | None = None, *, beside: Builder | None = None
) -> Iterator[Builder]:
    """A builder from the image `base` while inside; `caches` maps the names of volumes to their folders.

    With `beside`, which has fetched something, it is one that runs that: see above. It is removed whatever happens,
    also where the calls of `wire` are cut. Raises `EngineError`.
    """
    remove_stale(wire)
    name = f"nexusctl_builder_{uuid.uuid4().hex[:12]}"
    if beside:
        trust = trust.open
    network = _network(wire, trust, alone=beside is not None)
    mounts = [_fetched_mount(beside), *(_cache_mount(wire, *cache) for cache in (caches or {}).items())]
    try:
        # A create that was cut could still make one, after it was looked for to be removed.
        body = _body(base, network, mounts, describe_owner(runs=beside is not None))
        created = wire.uncut.post("/containers/create", body, {"name": name})
        wire.post(f"/containers/{created['Id']}/start")
        builder = Builder(
            wire=wire,
            id=created["Id"],
            base=wire.get(f"/images/{base}/json"),
            trust=trust,
            online=network != "none",
            fetched=_find_fetched(wire, created["Id"]),
        )
        for path, content in trust.files.items():
            write_file(builder, path, content)
        yield builder
    finally:
        # By name: a create whose reply was lost has made it nevertheless.
        _remove(wire.uncut, name)


def list_builders(wire: Wire) -> list[Mapping[str, Any]]:
    """The listed containers that are builders; one that has the labels of its image alone is not."""
    query = {"all": True, "filters": {"label": [f"{labels.ROLE}=builder"]}}
    return [found for found in wire.get("/containers/json", query) if not _is_claim_of_image(wire, found)]


def _is_claim_of_image(wire: Wire, found: Mapping[str, Any]) -> bool:
    try:
        marks = (wire.get(f"/images/{found['ImageID']}/json")["Config"] or {}).get("Labels") or {}
    except NotFound:
        # A builder's base can lose its name, never what it is made of while the builder is there.
        return True
    return bool(marks.get(labels.ROLE) == "builder")


def remove_stale(wire: Wire) -> None:
    """Remove the builders of runs that have died."""
    for found in list_builders(wire):
        if is_stale(found["Labels"].get(labels.BUILDER, ""), float(found["Created"])):
            with contextlib.suppress(EngineError):
                _remove(wire, found["Id"])
    for found in wire.get("/images/json", {"filters": {"label": [f"{labels.ROLE}=builder"], "dangling": ["true"]}}):
        if is_stale(found["Labels"].get(labels.BUILDER, ""), float(found["Created"])):
            remove_part(wire, found["Id"])


def remove_part(wire: Wire, image: str) -> None:
    """Remove an image that `commit_part` has made; one that another one lies on stays, and goes with it."""
    with contextlib.suppress(EngineError):
        wire.delete(f"/images/{image}")


def is_stale(owner: str, created_at: float, *, after: float = STALE) -> bool:
    """Whether a builder was left behind: its owner has died, or cannot be looked at and the builder is old.

    `after` are the seconds that make it so.
    """
    try:
        said = json.loads(owner)
        host, pid, birth = said["host"], int(said["pid"]), said["birth"]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        host, pid, birth = "", 0, ""
    ended = has_ended(host, pid, str(birth))
    return time.time() - created_at > after if ended is None else ended


def _body(base: str, network: str, mounts: Sequence[Mapping[str, Any]], owner: str) -> dict[str, Any]:
    # A shell that waits for input which never comes: every image that can install something has one.
    return {
        "Image": base,
        "Entrypoint": ["/bin/sh"],
        "Cmd": [],
        "OpenStdin": True,
        "Labels": {labels.ROLE: "builder", labels.BUILDER: owner},
        "HostConfig": {
            "Init": True,
            "SecurityOpt": ["no-new-privileges:true"],
            "CapDrop": _DROPPED,
            "NetworkMode": network,
            "Mounts": [{"Type": "volume", "Target": "/tmp"}, *mounts],
        },
    }


def describe_owner(*, runs: bool = False) -> str:
    """This process, as `is_stale` reads it; `runs` is for whoever counts installs, of which some need two builders."""
    pid = os.getpid()
    said = {"host": gethostname(), "pid": pid, "birth": process_birth(pid)}
    return json.dumps({**said, "runs": True} if runs else said)


def _network(wire: Wire, trust: HostTrust, *, alone: bool) -> str:
    """The engine's own bridge; the host's network where that is missing, or the host's proxy would be out of reach.

    What runs packages' scripts stays `alone` then, without a network.
    """
    if trust.loopback:
        return "host"
    try:
        wire.get("/networks/bridge")
    except NotFound:
        return "none" if alone else "host"
    return "bridge"


def cache_name(manager: str, base: Mapping[str, Any]) -> str:
    """The name of the volume that holds what `manager` has fetched in builders from the image `base`.

    Each image has its own: the manager is a program of the image, so it is believed in that image only.
    """
    return f"{_CACHE}_{manager}_{str(base['Id']).removeprefix('sha256:')[:12]}"


def _cache_mount(wire: Wire, name: str, folder: str) -> dict[str, Any]:
    marks = {labels.ROLE: "cache"}
    mount = {"Type": "volume", "Target": folder, "VolumeOptions": {"Labels": marks}}
    # Somebody else's of that name may be in others' hands: then there is one for this time.
    return {**mount, "Source": name} if bears(claim_volume(wire, name, marks), marks) else mount


def _fetched_mount(beside: Builder | None) -> dict[str, Any]:
    mount = {"Type": "volume", "Target": FETCHED}
    return {**mount, "Source": beside.fetched, "ReadOnly": True} if beside else mount


def _find_fetched(wire: Wire, container: str) -> str:
    mounts = wire.get(f"/containers/{container}/json")["Mounts"]
    return next((str(mount["Name"]) for mount in mounts if mount["Destination"] == FETCHED), "")


def write_file(builder: Builder, path: str, content: bytes) -> None:
    """Through variables of a command: that reaches a tmpfs, and an engine on another machine too.

    (What the engine's archive call writes lies below the tmpfs, and ends up in the image.)
    """
    text = content.decode(errors="replace")
    # Four bytes are the most that a character takes.
    size = _CHUNK if text.isascii() else _CHUNK // 4
    parts = [text[start : start + size] for start in range(0, len(text), size)]
    env = {f"NEXUSCTL_PART_{number}": part for number, part in enumerate(parts)}
    mode = "600" if is_private(path) else "644"
    command = ("/bin/sh", "-ec", _WRITE, "sh", path, path.rpartition("/")[0], str(len(parts)), mode)
    outcome = builder.run(command, env=env)
    if outcome.exit_code != 0:
        raise EngineError(f"{path} cannot be written where packages are installed: {outcome.output.strip()[-200:]}")


def _remove(wire: Wire, container: str) -> None:
    with contextlib.suppress(NotFound):
        wire.delete(f"/containers/{container}", {"force": True, "v": True})
