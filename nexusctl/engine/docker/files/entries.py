"""What an upload lays down, one thing at a time, and where its bytes come from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from posixpath import normpath
from typing import Any, BinaryIO

from nexusctl.errors import Diagnostic, SourceChanged, StepError
from nexusctl.model.uploads_and_packages import Upload, UploadFile
from nexusctl.model.values.checksum import new_sha256
from nexusctl.model.values.frozen import dataclass

CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """One thing to lay down at the absolute `path`, owned by numbers."""

    path: str
    upload: Upload
    file: UploadFile
    uid: int
    gid: int


def list_entries(upload: Upload, owner: tuple[int, int]) -> Iterator[FileEntry]:
    """The entries of one upload. Raises `StepError` for a path that would leave its target."""
    links = {file.path for file in upload.files if file.kind == "link"}
    for file in upload.files:
        parents = [file.path[: i + 1] for i in range(len(file.path)) if file.path[i + 1 : i + 2] == "/"]
        if ".." in f"{upload.target}/{file.path}".split("/") or file.path.startswith("/") or links & set(parents):
            raise _problem(f"{file.path or upload.target} leads out of the upload's target {upload.target}")
        path = normpath(f"/{upload.target}/{file.path}").replace("//", "/")
        yield FileEntry(path=path, upload=upload, file=file, uid=owner[0], gid=owner[1])


def read_content(entry: FileEntry) -> Iterator[bytes]:
    """The bytes of a file that is the one which was planned.

    None is sent before all were looked at: a link that somebody has put in its place must not show what it leads to.
    Raises `StepError` where it is another file, or cannot be read.
    """
    size = entry.file.size
    with closing(_open(entry)) as stream:
        if size <= CHUNK:
            data = stream.read(size + 1)
            digest = new_sha256()
            digest.update(data)
            _require_planned(entry, digest)
            if data:
                yield data
            return
        digest = new_sha256()
        for data in _chunks(stream, size + 1):
            digest.update(data)
        _require_planned(entry, digest)
        stream.seek(0)
        # It is still the same file, but its owner may write to it meanwhile.
        digest = new_sha256()
        for data in _chunks(stream, size):
            digest.update(data)
            yield data
        _require_planned(entry, digest)


def _chunks(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0 and (data := stream.read(min(CHUNK, size))):
        size -= len(data)
        yield data


def _require_planned(entry: FileEntry, digest: Any) -> None:
    if digest.hexdigest() != entry.file.digest:
        hint = "apply again: the new content is planned then"
        raise SourceChanged(Diagnostic(f"{_source(entry)} changed while applying", hint=hint))


def _open(entry: FileEntry) -> BinaryIO:
    if entry.upload.content is not None:
        return BytesIO(entry.upload.content.encode())
    try:
        return Path(_source(entry)).open("rb")
    except FileNotFoundError as error:
        # When it was planned with it was there.
        raise SourceChanged(Diagnostic(f"cannot read {_source(entry)}: {error.strerror}")) from error
    except OSError as error:
        raise _problem(f"cannot read {_source(entry)}: {error.strerror or error}") from error


def _source(entry: FileEntry) -> str:
    if entry.upload.content is not None:
        return f"the content for {entry.upload.target}"
    if entry.upload.source is None:
        raise _problem(f"the upload to {entry.upload.target} has neither a source nor content here")
    return str(Path(entry.upload.source) / entry.file.path) if entry.file.path else entry.upload.source


def _problem(summary: str, hint: str | None = None) -> StepError:
    return StepError(Diagnostic(summary, hint=hint))
