"""Files of this machine as a tar stream, made while it is sent, with the digest of each."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.values.checksum import new_sha256

CHUNK = 256 * 1024

PIECE = 64 * 1024
"""Bytes that are sent at a time at least."""


class TarStream:
    """Lays `source` down as `name`; an empty name stands for what lies in a folder. Links stay links.

    `digests` are those of the files that were sent, by their names in the archive.
    """

    def __init__(self, source: Path, name: str, owner: tuple[int, int]) -> None:
        self._source, self._name, self._owner = source, name, owner
        self.digests: dict[str, str] = {}
        self.links: dict[str, str] = {}

    def __iter__(self) -> Iterator[bytes]:
        return _gather(self._lay_all())

    def _lay_all(self) -> Iterator[bytes]:
        yield from self._lay(self._source, self._name)
        yield b"\0" * (2 * tarfile.BLOCKSIZE)

    def _lay(self, path: Path, name: str) -> Iterator[bytes]:
        found = path.lstat() if name else path.stat()
        if stat.S_ISREG(found.st_mode):
            yield from self._lay_file(path, name, found)
        elif stat.S_ISLNK(found.st_mode):
            self.links[name] = str(path.readlink())
            yield self._head(name, tarfile.SYMTYPE, found, link=self.links[name])
        elif stat.S_ISDIR(found.st_mode):
            if name:
                yield self._head(name, tarfile.DIRTYPE, found)
            with os.scandir(path) as entries:
                names = sorted(entry.name for entry in entries)
            for below in names:
                yield from self._lay(path / below, f"{name}/{below}" if name else below)
        else:
            raise _unreadable(path, "it is neither a file nor a folder nor a link")

    def _lay_file(self, path: Path, name: str, found: os.stat_result) -> Iterator[bytes]:
        digest, left = new_sha256(), found.st_size
        try:
            with path.open("rb", buffering=0) as stream:
                yield self._head(name, tarfile.REGTYPE, found)
                while left and (data := stream.read(min(CHUNK, left))):
                    left -= len(data)
                    digest.update(data)
                    yield data
        except OSError as error:
            raise _unreadable(path, error.strerror or str(error)) from None
        if left:
            raise _unreadable(path, "it became shorter while it was read")
        self.digests[name] = digest.hexdigest()
        yield b"\0" * (-found.st_size % tarfile.BLOCKSIZE)

    def _head(self, name: str, kind: bytes, found: os.stat_result, *, link: str = "") -> bytes:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        info.size = found.st_size if kind == tarfile.REGTYPE else 0
        info.mode, info.mtime = stat.S_IMODE(found.st_mode), int(found.st_mtime)
        info.uid, info.gid = self._owner
        return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _gather(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces that are worth a call each: a small file has three, its head, its bytes and zeros."""
    kept: list[bytes] = []
    size = 0
    for piece in pieces:
        kept.append(piece)
        size += len(piece)
        if size >= PIECE:
            yield b"".join(kept) if len(kept) > 1 else piece
            kept, size = [], 0
    if kept:
        yield b"".join(kept)


def _unreadable(path: Path, why: str) -> InputError:
    return InputError(Diagnostic(f"cannot copy {path}: {why}"))
