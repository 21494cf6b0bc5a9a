"""Files in containers by the engine's archive calls."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from posixpath import dirname, join, normpath
from typing import Any

from nexusctl.engine.archives import PathStat
from nexusctl.engine.docker.client.client import FOREVER, Wire
from nexusctl.engine.docker.exec.exec import LOOK_TIMEOUT, Unanswered, ask
from nexusctl.engine.docker.files.upload import read_accounts
from nexusctl.errors import EngineError, NotFound
from nexusctl.model.values.cksum import Checksum, checksum_commands, read_checksums

_FOLDER, _LINK, _OTHER = 1 << 31, 1 << 27, 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21
"""Bits of a mode as Go has them: folders, links, and all that holds no bytes."""

MOST_LINKS = 40
"""As the kernel has it."""

CHUNK = 256 * 1024

SLOWEST = 8 * 1024 * 1024
"""Bytes a second that a sandbox reads of its files at least, or is not waited for."""

_KERNEL = ("/proc", "/sys", "/dev")


class DockerArchives:
    """See `Archives`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def stat(self, container_id: str, path: str) -> PathStat:
        real, links = normpath(path), 0
        while True:
            found, done = None, ""
            # The engine resolves a link itself, but tells only of one at the end of a path.
            for name in ("", *filter(None, real.split("/"))):
                done = join(done, name) if done else "/"
                found = self._look(container_id, done)
                if found is None or int(found["mode"]) & _LINK:
                    break
            if found is None:
                return PathStat(real=real, kind="absent", size=0)
            if not int(found["mode"]) & _LINK:
                mode = int(found["mode"])
                size = int(found.get("size") or 0)
                return PathStat(
                    real=real, kind="folder" if mode & _FOLDER else "other" if mode & _OTHER else "file", size=size
                )
            links += 1
            if links > MOST_LINKS:
                raise EngineError(f"{path} leads in a circle")
            rest = real[len(done) :]
            real = normpath(join(dirname(done), str(found["linkTarget"])) + rest)

    def find_obstacle(self, container_id: str, path: str) -> str:
        inspected = self._wire.get(f"/containers/{container_id}/json")
        host = inspected["HostConfig"]
        mounts: dict[str, str] = {str(m["Destination"]): _judge(m) for m in inspected.get("Mounts") or ()}
        mounts |= dict.fromkeys(host.get("Tmpfs") or (), "tmpfs")
        mounts |= dict.fromkeys(_KERNEL, "kernel")
        around = max((m for m in mounts if path == m or path.startswith(f"{m.rstrip('/')}/")), key=len, default="")
        if not around:
            return "its root file system is read-only" if host.get("ReadonlyRootfs") else ""
        words = {
            "tmpfs": f"{around} lies in memory, where only its own programs reach",
            "kernel": f"{around} is the kernel's",
            "read-only": f"{around} is mounted read-only",
        }
        return words.get(mounts[around], "")

    def owner(self, container_id: str) -> tuple[int, int]:
        user = self._wire.get(f"/containers/{container_id}/json")["Config"]["User"]
        return read_accounts(self._wire, container_id).resolve(user) if user else (0, 0)

    @contextmanager
    def read(self, container_id: str, path: str) -> Iterator[Iterator[bytes]]:
        query: Mapping[str, Any] = {"path": path}
        with self._wire.open("GET", f"/containers/{container_id}/archive", query, timeout=FOREVER) as answer:
            yield iter(lambda: answer.read(CHUNK), b"")

    def write(self, container_id: str, folder: str, archive: Iterable[bytes]) -> None:
        query = {"path": folder, "noOverwriteDirNonDir": True}
        with self._wire.open(
            "PUT",
            f"/containers/{container_id}/archive",
            query,
            data=archive,
            content_type="application/x-tar",
            timeout=FOREVER,
        ) as answer:
            answer.read()

    def checksums(self, container_id: str, paths: Sequence[str], size: int) -> Mapping[str, Checksum]:
        found: dict[str, Checksum] = {}
        for command in checksum_commands(paths):
            try:
                said = ask(self._wire, container_id, command, timeout=LOOK_TIMEOUT + size / SLOWEST)
            except (EngineError, Unanswered):
                break
            if not (told := read_checksums(said.output)):
                break
            found |= told
        return found

    def _look(self, container_id: str, path: str) -> Mapping[str, Any] | None:
        try:
            with self._wire.open("HEAD", f"/containers/{container_id}/archive", {"path": path}) as answer:
                from base64 import b64decode  # noqa: PLC0415 - deferred: start-up time

                told = b64decode(answer.headers["x-docker-container-path-stat"])
        except NotFound:
            return None
        except (KeyError, ValueError) as error:
            raise EngineError(f"the engine does not say what {path} is: {error}") from error
        found: Mapping[str, Any] = json.loads(told)
        return found


def _judge(mount: Mapping[str, Any]) -> str:
    if mount.get("Type") == "tmpfs":
        return "tmpfs"
    return "" if mount.get("RW") else "read-only"
