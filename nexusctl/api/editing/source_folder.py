"""Files written into the source of an upload: below one folder, through no link, each as a whole."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj

from nexusctl.model.values.checksum import sha256_file

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class SourceFolder:
    """The folder `source`, or the folder around that file. Every method raises `OSError`."""

    def __init__(self, source: str) -> None:
        self._top = Path(source)

    def digest(self, below: str) -> str | None:
        """The SHA-256 of what lies at the path; None for nothing, the target of a link behind an arrow for one."""
        try:
            with self._around(below) as (folder, name):
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if stat.S_ISLNK(found.st_mode):
                    return f"-> {os.readlink(name, dir_fd=folder)}"
                if stat.S_ISDIR(found.st_mode):
                    return "folder"
                opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
                with open(opened, "rb") as file:
                    return sha256_file(file)
        except FileNotFoundError:
            return None

    def write(self, below: str, content: Path, *, program: bool) -> None:
        """Put a copy of the file `content` at the path, with the folders above it."""
        with self._around(below, make=True) as (folder, name):
            new = f".{name[:200]}.nexusctl-{os.urandom(4).hex()}"
            opened = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=folder)
            try:
                with open(opened, "wb") as out, content.open("rb") as data:
                    copyfileobj(data, out)
                    os.fchmod(out.fileno(), _choose_mode(folder, name, os.fstat(out.fileno()).st_mode, program=program))
                os.replace(new, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                os.unlink(new, dir_fd=folder)
                raise

    def link(self, below: str, target: str) -> None:
        """Put a link there, in the place of what is none of a folder."""
        with self._around(below, make=True) as (folder, name):
            new = f".{name[:200]}.nexusctl-{os.urandom(4).hex()}"
            os.symlink(target, new, dir_fd=folder)
            os.replace(new, name, src_dir_fd=folder, dst_dir_fd=folder)

    def make_folder(self, below: str) -> None:
        """Make it, with those above it; one that is there is fine."""
        with self._around(f"{below}/x", make=True):
            pass

    def remove(self, below: str) -> bool:
        """Remove a file or link, or a folder if it is empty; whether it is gone then."""
        try:
            with self._around(below) as (folder, name):
                if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                    os.rmdir(name, dir_fd=folder)
                else:
                    os.unlink(name, dir_fd=folder)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    @contextmanager
    def _around(self, below: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """The folder that the path lies in, opened part by part, and its name there."""
        *parts, name = below.split("/") if below else [self._top.name]
        folder = os.open(self._top if below else self._top.parent, _FOLDER)
        try:
            for part in parts:
                try:
                    inner = os.open(part, _FOLDER, dir_fd=folder)
                except FileNotFoundError:
                    if not make:
                        raise
                    os.mkdir(part, 0o755, dir_fd=folder)
                    inner = os.open(part, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = inner
            yield folder, name
        finally:
            os.close(folder)


def _choose_mode(folder: int, name: str, fresh: int, *, program: bool) -> int:
    """Who may read a file that is there may do so still."""
    try:
        before = os.stat(name, dir_fd=folder, follow_symlinks=False)
        mode = stat.S_IMODE(before.st_mode if stat.S_ISREG(before.st_mode) else fresh) & 0o777
    except FileNotFoundError:
        mode = stat.S_IMODE(fresh)
    return mode | (mode & 0o444) >> 2 if program else mode & ~0o111
