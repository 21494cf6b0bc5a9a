"""Uploads as a tar stream, made while it is sent: nothing is held in memory."""

from __future__ import annotations

import tarfile
import time
from collections.abc import Callable, Iterable, Iterator

from nexusctl.engine.docker.files.entries import FileEntry, read_content

_TYPES = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}


def write_tar(entries: Iterable[FileEntry], place: Callable[[FileEntry], str]) -> Iterator[bytes]:
    """The bytes of a tar that lays each entry at `place(entry)`, an absolute path.

    Raises `StepError` where a file is not the one that was planned, or cannot be read.
    """
    for entry in entries:
        yield _header(entry, place(entry))
        if entry.file.kind == "file":
            yield from read_content(entry)
            yield b"\0" * (-entry.file.size % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _header(entry: FileEntry, path: str) -> bytes:
    info = tarfile.TarInfo(path.lstrip("/"))
    info.type = _TYPES[entry.file.kind]
    info.size = entry.file.size if entry.file.kind == "file" else 0
    info.mode = entry.file.mode
    info.uid, info.gid = entry.uid, entry.gid
    info.linkname = entry.file.link
    info.mtime = int(time.time())
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
