"""A tar archive from a sandbox, laid down on this machine, and nowhere else than asked for, whatever it says."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path

from nexusctl.api.everyday.copies.tape import Tape
from nexusctl.errors import Diagnostic, EngineError, InputError


def lay_down(pieces: Iterator[bytes], target: Path, first: str) -> list[str]:
    """Lay the archive down with its first name replaced by `target`; returns what is left out, as it is no file.

    A file is written beside its place, read back, and takes its place as a whole. Nothing goes outside of `target`,
    through links neither. Raises `InputError` where the machine cannot take it, `EngineError` for one that is cut.
    """
    left_out: list[str] = []
    modes: list[tuple[Path, int]] = []
    try:
        tape = Tape(pieces)
        for member in tape:
            path = _place(target, first, member.name)
            if member.isdir():
                _make_folder(path)
                modes.append((path, member.mode & 0o777))
            elif member.issym():
                _make_link(path, member.linkname)
            elif member.islnk():
                _link_again(path, _place(target, first, member.linkname))
            elif member.isfile():
                _write(path, tape.content(member), member)
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


def _write(path: Path, pieces: Iterator[bytes], member: tarfile.TarInfo) -> None:
    beside = _beside(path)
    placed = False
    try:
        with FileIO(beside, "x+") as out:
            for data in pieces:
                _write_whole(out, data)
                # Compared right away, while it is at hand: two digests would take eight times as long.
                if os.pread(out.fileno(), len(data), out.tell() - len(data)) != data:
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
    written = out.write(data)
    while written < len(data):
        written += out.write(data[written:])


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name[:200]}.{os.urandom(4).hex()}")
