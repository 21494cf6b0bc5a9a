"""Carrying the files that one container has written over to another one.

The engine says which paths were written, and its export of the whole container, which leaves volumes out, has their
content. Only what was written passes on, entry by entry as it comes, so nothing is held in memory.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, cast

from nexusctl.engine.carried_paths import choose_carried
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.executions import FOLDER
from nexusctl.model.plan.plan import LeftBehind

OF_THE_ENGINE = (
    "/.dockerenv",
    "/dev",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/mtab",
    "/etc/resolv.conf",
    "/proc",
    "/run/secrets",
    "/sys",
    FOLDER,
)
"""What the engine puts into every container, the secrets, which are never written anywhere, and the executions of one
container, which end with it.
"""

_DELETED = 2
_CHUNK = 256 * 1024


def carry_over(wire: Wire, source_id: str, target_id: str, left_behind: LeftBehind) -> None:
    """See `Engine.carry_over`. Raises `EngineError`."""
    changes = wire.get(f"/containers/{source_id}/changes") or []
    written = {str(change["Path"]) for change in changes if change["Kind"] != _DELETED}
    carried = choose_carried(written, replace(left_behind, whole=(*left_behind.whole, *OF_THE_ENGINE)))
    if not carried:
        return
    with wire.open("GET", f"/containers/{source_id}/export") as export:
        archive = _pass_on(cast(BinaryIO, export), carried)
        path = f"/containers/{target_id}/archive"
        wire.open("PUT", path, {"path": "/"}, archive, content_type="application/x-tar").close()


def _pass_on(export: BinaryIO, carried: set[str]) -> Iterator[bytes]:
    with tarfile.open(fileobj=export, mode="r|") as tar:
        for member in tar:
            if f"/{member.name.rstrip('/')}" not in carried:
                continue
            yield member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
            if member.isreg():
                yield from _content(tar, member)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    stream = tar.extractfile(member)
    assert stream is not None
    while data := stream.read(_CHUNK):
        yield data
    yield b"\0" * (-member.size % tarfile.BLOCKSIZE)
