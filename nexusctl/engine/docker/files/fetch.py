"""Files out of a container, running or not, while its archive is read: nothing is held in memory."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import IO, BinaryIO, cast

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.fetched import Fetched
from nexusctl.errors import EngineError

PIECE = 64 * 1024
"""Bytes that are read at a time."""


def fetch(wire: Wire, container_id: str, path: str) -> Iterator[Fetched]:
    """What lies at `path` and below, folders before what is in them; a link there is not followed.

    Raises `NotFound` where nothing does, `EngineError` where it cannot be read to its end.
    """
    try:
        with (
            wire.open("GET", f"/containers/{container_id}/archive", {"path": path}) as answer,
            tarfile.open(fileobj=cast(BinaryIO, answer), mode="r|") as tar,
        ):
            for member in tar:
                # The first part is the name of what was asked for.
                below = member.name.strip("/").partition("/")[2]
                # The library remembers all that it has seen.
                tar.members.clear()  # type: ignore[attr-defined]
                if member.isdir():
                    yield Fetched(path=below, kind="folder")
                elif member.isreg() and not member.issparse() and (stream := tar.extractfile(member)):
                    yield Fetched(
                        path=below, kind="file", size=member.size, mode=member.mode & 0o777, pieces=_read(stream)
                    )
                else:
                    yield Fetched(path=below, kind="other")
    except tarfile.TarError as error:
        raise EngineError(f"{path} of container {container_id[:12]} cannot be read: {error}") from error


def _read(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(PIECE):
        yield piece
