"""Files of this machine as a tar stream, made while it is sent, and compared with what arrived."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path

from nexusctl.errors import Diagnostic, InputError

CHUNK = 256 * 1024

PIECE = 64 * 1024
"""Bytes that are sent at a time at least."""


class TarStream:
    """Lays `source` down as `name`; an empty name stands for what lies in a folder. Links stay links.

    `files` tells those that were sent, by their names in the archive, with what tells whether one was changed since.
    """

    def __init__(self, source: Path, name: str, owner: tuple[int, int]) -> None:
        self._source, self._name, self._owner = source, name, owner
        self.files: dict[str, tuple[int, int, int]] = {}
        self.links: dict[str, str] = {}

    def __iter__(self) -> Iterator[bytes]:
        return _gather(self._lay_all())

    def names(self) -> Iterator[str]:
        """Of the files and links that are to be sent."""
        for path in self._source.rglob("*"):
            if path.is_symlink() or not path.is_dir():
                yield str(Path(self._name) / path.relative_to(self._source))

    def is_same(self, name: str, size: int, pieces: Iterable[bytes]) -> bool:
        """Whether `size` bytes in `pieces` are those of the file `name`, as it is now. Raises `InputError`."""
        if size != self.files[name][0]:
            return False
        path = self.find(name)
        try:
            with path.open("rb", buffering=0) as stream:
                return all(_read_whole(stream, len(data)) == data for data in pieces)
        except OSError as error:
            raise _unreadable(path, error.strerror or str(error)) from None

    def require_unchanged(self, name: str) -> None:
        """Raise `InputError` where the file `name` is not the one any more that was sent."""
        path, now = self.find(name), None
        with suppress(OSError):
            now = _take_stamp(path.stat())
        if now != self.files[name]:
            raise _unreadable(path, "it was changed while it was copied")

    def find(self, name: str) -> Path:
        """Where the file `name` lies here."""
        below = name if not self._name else name[len(self._name) + 1 :]
        return self._source / below if below else self._source

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
        left = found.st_size
        try:
            with path.open("rb", buffering=0) as stream:
                yield self._head(name, tarfile.REGTYPE, found)
                while left and (data := stream.read(min(CHUNK, left))):
                    left -= len(data)
                    yield data
        except OSError as error:
            raise _unreadable(path, error.strerror or str(error)) from None
        if left:
            raise _unreadable(path, "it became shorter while it was read")
        self.files[name] = _take_stamp(found)
        yield b"\0" * (-found.st_size % tarfile.BLOCKSIZE)

    def _head(self, name: str, kind: bytes, found: os.stat_result, *, link: str = "") -> bytes:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        info.size = found.st_size if kind == tarfile.REGTYPE else 0
        info.mode, info.mtime = stat.S_IMODE(found.st_mode), int(found.st_mtime)
        info.uid, info.gid = self._owner
        return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _take_stamp(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ino


def _read_whole(stream: FileIO, size: int) -> bytes:
    """So many bytes, fewer at the end of the file."""
    data = stream.read(size)
    while len(data) < size and (more := stream.read(size - len(data))):
        data += more
    return data


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
