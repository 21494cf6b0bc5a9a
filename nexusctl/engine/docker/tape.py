"""Uploads as a tar stream, made while it is sent: nothing is held in memory, and each file is hashed on its way."""

from __future__ import annotations

import hashlib
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from posixpath import normpath
from typing import BinaryIO

from nexusctl.errors import Diagnostic, StepError
from nexusctl.model.stack import Upload, UploadFile
from nexusctl.model.value import dataclass

CHUNK = 256 * 1024

_TYPES = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing to lay down at the absolute `path`, owned by numbers."""

    path: str
    upload: Upload
    file: UploadFile
    uid: int
    gid: int


def write_tape(entries: Iterable[Entry], place: Callable[[Entry], str]) -> Iterator[bytes]:
    """The bytes of a tar that lays each entry at `place(entry)`, an absolute path.

    Raises `StepError` where a file is not the one that was planned, or cannot be read.
    """
    for entry in entries:
        yield _header(entry, place(entry))
        if entry.file.kind == "file":
            yield from _content(entry)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def list_entries(upload: Upload, owner: tuple[int, int]) -> Iterator[Entry]:
    """The entries of one upload. Raises `StepError` for a path that would leave its target."""
    links = {file.path for file in upload.files if file.kind == "link"}
    for file in upload.files:
        parents = [file.path[: i + 1] for i in range(len(file.path)) if file.path[i + 1 : i + 2] == "/"]
        if ".." in f"{upload.target}/{file.path}".split("/") or file.path.startswith("/") or links & set(parents):
            raise _problem(f"{file.path or upload.target} leads out of the upload's target {upload.target}")
        path = normpath(f"/{upload.target}/{file.path}").replace("//", "/")
        yield Entry(path=path, upload=upload, file=file, uid=owner[0], gid=owner[1])


def _header(entry: Entry, path: str) -> bytes:
    info = tarfile.TarInfo(path.lstrip("/"))
    info.type = _TYPES[entry.file.kind]
    info.size = entry.file.size if entry.file.kind == "file" else 0
    info.mode = entry.file.mode
    info.uid, info.gid = entry.uid, entry.gid
    info.linkname = entry.file.link
    info.mtime = int(time.time())
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _content(entry: Entry) -> Iterator[bytes]:
    left, digest = entry.file.size, hashlib.sha256()
    with closing(_open(entry)) as stream:
        while left and (data := stream.read(min(CHUNK, left))):
            left -= len(data)
            digest.update(data)
            yield data
        if left or stream.read(1) or digest.hexdigest() != entry.file.digest:
            raise _problem(f"{_source(entry)} changed while applying", "apply again: the new content is planned then")
    yield b"\0" * (-entry.file.size % tarfile.BLOCKSIZE)


def _open(entry: Entry) -> BinaryIO:
    if entry.upload.content is not None:
        return BytesIO(entry.upload.content.encode())
    try:
        return Path(_source(entry)).open("rb")
    except OSError as error:
        raise _problem(f"cannot read {_source(entry)}: {error.strerror or error}") from error


def _source(entry: Entry) -> str:
    if entry.upload.content is not None:
        return f"the content for {entry.upload.target}"
    if entry.upload.source is None:
        raise _problem(f"the upload to {entry.upload.target} has neither a source nor content here")
    return str(Path(entry.upload.source) / entry.file.path) if entry.file.path else entry.upload.source


def _problem(summary: str, hint: str | None = None) -> StepError:
    return StepError(Diagnostic(summary, hint=hint))
