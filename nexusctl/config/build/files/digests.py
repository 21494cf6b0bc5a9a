"""The content digests of files on this machine, each read once in a load."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

from nexusctl.model.uploads_and_packages import UploadFile
from nexusctl.model.values.checksum import sha256_file
from nexusctl.model.values.links import opened_path

if TYPE_CHECKING:
    from nexusctl.model.values.gitignore import GitIgnore

TOTAL_LIMIT = 256 * 1024 * 1024
COUNT_LIMIT = 50_000


class Unfit(Exception):
    """A file that cannot be uploaded: what is wrong, and what to do."""

    def __init__(self, summary: str, hint: str) -> None:
        super().__init__(summary)
        self.summary = summary
        self.hint = hint


class Digests:
    """Lives as long as one load: a hundred sandboxes may upload the same folder."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._trees: dict[tuple[str, tuple[str, ...], int | None], tuple[UploadFile, ...]] = {}

    def file(self, path: Path, size: int) -> str:
        """The SHA-256 of a file in hex, whose path has no links in it.

        Raises `Unfit` where it is too large or cannot be read.
        """
        if size > TOTAL_LIMIT:
            raise Unfit("it holds more than 256 MiB", "mount it under `volumes` instead")
        known = self._files.get(str(path))
        if known is None:
            try:
                with open_real(path) as file:
                    known = sha256_file(file)
            except OSError as error:
                raise _unreadable(path.name, error) from None
            self._files[str(path)] = known
        return known

    def tree(self, folder: Path, ignore: tuple[str, ...], mode: int | None) -> tuple[UploadFile, ...]:
        """Everything below `folder` and itself, by path, without what the gitignore patterns `ignore` name.

        Files get `mode`; folders, and files where it is None, have their own.
        Raises `Unfit` for a link that leads outside, a special file, or more than fits into an upload.
        """
        key = (str(folder), ignore, mode)
        if key not in self._trees:
            try:
                entries = [_with_mode(entry, mode) for entry in self._walk(folder, _read_ignored(ignore))]
            except OSError as error:
                raise _unreadable(str(error.filename or folder.name), error) from None
            self._trees[key] = tuple(sorted(entries, key=lambda entry: entry.path))
        return self._trees[key]

    def _walk(self, top: Path, ignored: GitIgnore | None) -> Iterator[UploadFile]:
        yield UploadFile(path="", digest="", mode=shared_mode(top.stat().st_mode), kind="folder")
        total = count = 0
        waiting = [""]
        while waiting:
            relative = waiting.pop()
            for entry in _scan(top / relative, relative):
                path = f"{relative}/{entry.name}" if relative else entry.name
                is_folder = entry.is_dir(follow_symlinks=False)
                if ignored is not None and ignored.leaves_out(path, folder=is_folder):
                    continue
                found = entry.stat(follow_symlinks=False)
                count, total = count + 1, total + (0 if is_folder else found.st_size)
                if total > TOTAL_LIMIT:
                    raise Unfit("it holds more than 256 MiB", "leave files out with `ignore`, or mount it as a volume")
                if count > COUNT_LIMIT:
                    raise Unfit(f"it holds more than {COUNT_LIMIT:,} files", "leave some out with `ignore`")
                if is_folder:
                    waiting.append(path)
                yield self._entry(top, path, found)

    def _entry(self, top: Path, path: str, found: os.stat_result) -> UploadFile:
        mode = shared_mode(found.st_mode)
        if stat.S_ISDIR(found.st_mode):
            return UploadFile(path=path, digest="", mode=mode, kind="folder")
        if stat.S_ISLNK(found.st_mode):
            return UploadFile(path=path, digest="", mode=0o777, kind="link", link=_link(top, path))
        if not stat.S_ISREG(found.st_mode):
            raise Unfit(f"`{path}` in it is a socket, pipe or device", f'leave it out: `ignore: ["/{path}"]`')
        return UploadFile(path=path, digest=self.file(top / path, found.st_size), mode=mode, size=found.st_size)


@contextmanager
def open_real(path: Path) -> Iterator[BufferedReader]:
    """Open the file `path`, which is absolute and has no links on its way. Raises `OSError` where it has one by now."""
    # Without O_NONBLOCK opening a pipe would wait for ever.
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if opened_path(file) not in (None, path):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        yield file


def _scan(folder: Path, relative: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except OSError as error:
        raise _unreadable(relative or folder.name, error) from None
    for entry in found:
        if not _is_text(entry.name):
            raise Unfit(f"the file name {os.fsencode(entry.name)!r} in it is not UTF-8", "rename the file")
    return found


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _link(top: Path, path: str) -> str:
    target = os.readlink(top / path)  # noqa: PTH115  (pathlib normalises the text of the link)
    inside = os.path.normpath(os.path.join(os.path.dirname(path), target))  # noqa: PTH118, PTH120
    if os.path.isabs(target) or inside.split("/", 1)[0] == "..":  # noqa: PTH117
        hint = f'leave it out: `ignore: ["/{path}"]`, or link to something inside of the folder'
        raise Unfit(f"the link `{path}` in it leads outside, to `{target}`", hint)
    return target


def _read_ignored(patterns: tuple[str, ...]) -> GitIgnore | None:
    if not patterns:
        return None
    # Few uploads have some.
    from nexusctl.model.values.gitignore import find_malformed, read_patterns  # noqa: PLC0415 - deferred: start-up time

    for pattern, problem in find_malformed(patterns):
        summary = f"a pattern in `ignore` cannot be read, `{pattern}`: {problem}"
        raise Unfit(summary, "write it as in a .gitignore")
    return read_patterns(patterns)


def _unreadable(name: str, error: OSError) -> Unfit:
    return Unfit(f"`{name}` cannot be read: {(error.strerror or 'unknown error').lower()}", "check its permissions")


def _with_mode(entry: UploadFile, mode: int | None) -> UploadFile:
    return entry if mode is None or entry.kind != "file" else replace(entry, mode=mode)


def shared_mode(found: int) -> int:
    """The bits that git keeps: 0755 for folders and programs, 0644 for other files.

    The rest depends on the umask of whoever made the copy; it would show as a change on every other machine.
    """
    return 0o755 if stat.S_ISDIR(found) or found & stat.S_IXUSR else 0o644
