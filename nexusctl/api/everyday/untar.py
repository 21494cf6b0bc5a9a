"""A tar archive from a sandbox, laid down on this machine, and nowhere else than asked for, whatever it says."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO, cast

from nexusctl.errors import Diagnostic, EngineError, InputError
from nexusctl.model.values.checksum import new_sha256

CHUNK = 256 * 1024


class Pipe:
    """Pieces to read from like a file, holding one of them."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def read(self, size: int = -1) -> bytes:
        if not self._rest:
            self._rest = next(self._pieces, b"")
        found, self._rest = self._rest[:size] if size >= 0 else self._rest, self._rest[size:] if size >= 0 else b""
        return found


def lay_down(pieces: Iterator[bytes], target: Path, first: str) -> list[str]:
    """Lay the archive down with its first name replaced by `target`; returns what is left out, as it is no file.

    A file is written beside its place, read back, and takes its place as a whole. Nothing goes outside of `target`,
    through links neither. Raises `InputError` where the machine cannot take it, `EngineError` for one that is cut.
    """
    left_out: list[str] = []
    modes: list[tuple[Path, int]] = []
    try:
        with tarfile.open(fileobj=cast(BinaryIO, Pipe(pieces)), mode="r|", bufsize=CHUNK) as archive:
            for member in archive:
                # It would keep all that it has seen.
                archive.members.clear()  # type: ignore[attr-defined]
                path = _place(target, first, member.name)
                if member.isdir():
                    _make_folder(path)
                    modes.append((path, member.mode & 0o777))
                elif member.issym():
                    _make_link(path, member.linkname)
                elif member.islnk():
                    _link_again(path, _place(target, first, member.linkname))
                elif member.isfile():
                    stream = archive.extractfile(member)
                    assert stream is not None
                    _write(path, cast(BinaryIO, stream), member)
                else:
                    left_out.append(member.name)
    except tarfile.TarError as error:
        raise EngineError(f"what came from the sandbox was cut off: {error}") from error
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise InputError(Diagnostic(f"cannot write to {target}: {error.strerror or error}{where}")) from None
    # A folder that nobody may write to gets what is in it first.
    for path, mode in reversed(modes):
        path.chmod(mode)
    return left_out


def _place(target: Path, first: str, name: str) -> Path:
    parts = name.split("/")
    if parts[0] != first or ".." in parts or "" in parts[1:-1]:
        raise EngineError(f"the sandbox names a file {name!r}, which leads out of what was asked for")
    below = [part for part in parts[1:] if part]
    path = target
    for part in below:
        if path.is_symlink():
            raise EngineError(f"{path} is a link, and nothing is laid down behind it")
        path = path / part
    return path


def _make_folder(path: Path) -> None:
    if not path.is_dir() or path.is_symlink():
        path.mkdir()
    path.chmod(0o700 | path.stat().st_mode & 0o777)


def _make_link(path: Path, to: str) -> None:
    beside = _beside(path)
    beside.symlink_to(to)
    beside.replace(path)


def _link_again(path: Path, other: Path) -> None:
    """A second name of a file that came before: another file with the same content."""
    if other.is_symlink() or not other.is_file():
        raise EngineError(f"the sandbox names a second name of {other.name}, which did not come")
    beside = _beside(path)
    beside.hardlink_to(other)
    beside.replace(path)


def _write(path: Path, stream: BinaryIO, member: tarfile.TarInfo) -> None:
    beside, digest = _beside(path), new_sha256()
    placed = False
    try:
        with FileIO(beside, "x+") as out:
            while data := stream.read(CHUNK):
                digest.update(data)
                _write_whole(out, data)
            out.seek(0)
            if _digest(out) != digest.hexdigest():
                raise InputError(Diagnostic(f"what was written to {path} is not what came from the sandbox"))
            os.fchmod(out.fileno(), member.mode & 0o777)
            os.utime(out.fileno(), (member.mtime, member.mtime))
        if path.is_dir() and not path.is_symlink():
            raise InputError(Diagnostic(f"{path} is a folder here, and a file in the sandbox"))
        beside.replace(path)
        placed = True
    finally:
        if not placed:
            with suppress(OSError):
                beside.unlink()


def _write_whole(out: FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[out.write(view) :]


def _digest(stream: FileIO) -> str:
    digest = new_sha256()
    while data := stream.read(CHUNK):
        digest.update(data)
    return str(digest.hexdigest())


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name[:200]}.{os.urandom(4).hex()}")
