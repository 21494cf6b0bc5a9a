"""Logs and files of a stack, brought to this machine. What comes is a sandbox's word, and nothing of it is followed.

Only plain files and folders are made, below one folder, through no link, and no more of them than the bounds say.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from nexusctl.engine.base import Engine
from nexusctl.engine.fetched import Fetched
from nexusctl.errors import Diagnostic, EngineError, InputError, NotFound
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.stack import Stack

LOG_BYTES = 64 * 1024**2
"""Of a sandbox's log at most, from its `LOG_LINES` last lines."""

LOG_LINES = 500_000

MOST_BYTES = 1024**3
"""Of the files of one sandbox."""

MOST_ENTRIES = 50_000
"""Files and folders of one sandbox."""


def collect(engine: Engine, stack: Stack, folder: Path) -> Iterator[Diagnostic]:
    """Bring the log of each sandbox to `folder/NAME.log`, and what its `artifacts` name below `folder/NAME`.

    Gives a warning for each that could not be had or is not whole. Raises `EngineError` where nothing can be asked.
    """
    for live in sorted(engine.observe(stack).sandboxes, key=lambda live: live.sandbox):
        # The name in a label may be anybody's, and becomes a path here.
        if live.sandbox in stack.sandboxes:
            yield from _collect_log(engine, live, folder)
            yield from _Harvest(live.sandbox, folder / live.sandbox).bring(
                engine, live.id, stack.sandboxes[live.sandbox].artifacts
            )


def open_folder(folder: Path) -> None:
    """Make it, with what is above it. Raises `InputError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(Diagnostic(f"{folder} cannot be made: {_why(error)}")) from error


def _collect_log(engine: Engine, live: LiveSandbox, folder: Path) -> Iterator[Diagnostic]:
    left = LOG_BYTES
    try:
        with os.fdopen(_create(folder / f"{live.sandbox}.log"), "wb") as out:
            for chunk in engine.logs(live.id, tail=LOG_LINES):
                out.write(chunk.data[:left])
                left -= len(chunk.data)
                if left <= 0:
                    yield _warning(live.sandbox, f"its log is longer than {LOG_BYTES // 1024**2} MiB; the rest is left")
                    break
    except (EngineError, OSError) as error:
        yield _warning(live.sandbox, f"its log could not be brought: {_why(error)}")


class _Harvest:
    """The files of one sandbox, below a folder of its own, up to the bounds for all of them."""

    def __init__(self, sandbox: str, folder: Path) -> None:
        self._sandbox, self._folder = sandbox, folder
        self._bytes, self._entries, self._others = MOST_BYTES, MOST_ENTRIES, 0

    def bring(self, engine: Engine, container_id: str, paths: tuple[str, ...]) -> Iterator[Diagnostic]:
        for path in paths:
            try:
                for entry in engine.fetch(container_id, path):
                    self._lay(path, entry)
            except NotFound:
                yield self._warn(f"there is no {path} in it")
            except _Full as full:
                # A file may be as large as anybody likes, and nothing behind it in an archive can be had without it.
                yield self._warn(f"its artifacts are more than {full}; the rest of {path} is left")
            except (EngineError, OSError, ValueError) as error:
                yield self._warn(f"{path} could not be brought whole: {_why(error)}")
        if self._others:
            yield self._warn(f"links and special files stay behind: {self._others} in its artifacts")

    def _lay(self, path: str, entry: Fetched) -> None:
        if entry.kind == "other":
            self._others += 1
            return
        parts = _parts(f"{path}/{entry.path}")
        self._entries -= 1
        if self._entries < 0:
            raise _Full(f"{MOST_ENTRIES:,} files")
        if entry.kind == "folder":
            self._enter(parts)
            return
        if entry.size > self._bytes:
            raise _Full(f"{MOST_BYTES // 1024**2} MiB")
        self._bytes -= entry.size
        with os.fdopen(_create(self._enter(parts[:-1]) / parts[-1]), "wb") as out:
            out.writelines(entry.pieces)

    def _enter(self, parts: tuple[str, ...]) -> Path:
        """The folder below our own, made where it is not there; whoever put a link in its place loses it."""
        folder = self._folder
        _make_folder(folder)
        for part in parts:
            folder /= part
            _make_folder(folder)
        return folder

    def _warn(self, what: str) -> Diagnostic:
        return _warning(self._sandbox, what)


class _Full(Exception):
    """More than the bound that the text names."""


def _parts(path: str) -> tuple[str, ...]:
    """Raises `ValueError` for a path that leads out."""
    parts = tuple(part for part in PurePosixPath(path).parts if part not in ("/", "//"))
    if not parts or ".." in parts or any("\0" in part for part in parts):
        raise ValueError("a path in it leads out of it")
    return parts


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir()
    except FileExistsError:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            folder.unlink()
            folder.mkdir()


def _create(path: Path) -> int:
    """A new file, in the place of one that an earlier run has left."""
    path.unlink(missing_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)


def _why(error: Exception) -> str:
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)


def _warning(sandbox: str, what: str) -> Diagnostic:
    return Diagnostic(f"{sandbox}: {what}", severity="warning", sandbox=sandbox)
