"""The files of uploads beside a stack file: written together, and put back as they were."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from nexusctl.api import workspace
from nexusctl.errors import Diagnostic, InputError


class StoredFiles:
    """Files by their names below the folder of `stack_file`; no link leads one of them out of it."""

    def __init__(self, stack_file: Path) -> None:
        self._stack_file = stack_file

    @property
    def _folder(self) -> Path:
        return self._stack_file.absolute().parent

    @contextmanager
    def stored(self, files: Mapping[str, bytes]) -> Iterator[None]:
        """`files` are there for as long as this lasts."""
        former = self.store(files)
        try:
            yield
        finally:
            self.put_back(former)

    def store(self, files: Mapping[str, bytes]) -> dict[str, bytes | None]:
        """Write `files`; returns what was there before."""
        former = self.look_at(files)
        try:
            for name, content in files.items():
                write_file(self._folder / name, content)
        except (OSError, InputError):
            self.put_back(former)
            raise
        return former

    def look_at(self, files: Iterable[str]) -> dict[str, bytes | None]:
        """What is in `files` now. Raises `InputError` where a link leads one of them elsewhere."""
        former: dict[str, bytes | None] = {}
        for name in files:
            path = self._folder / name
            self._refuse_stray(path)
            former[name] = path.read_bytes() if path.is_file() else None
        return former

    def _refuse_stray(self, path: Path) -> None:
        """Raise `InputError` where a link leads what would be written to `path` out of the stack file's folder."""
        root = os.path.realpath(self._folder)
        if not Path(os.path.realpath(path)).is_relative_to(root):
            hint = "a person has to remove the link"
            raise InputError(Diagnostic(f"`{path}` leads out of the folder of the stack file", hint=hint))

    def put_back(self, former: Mapping[str, bytes | None]) -> None:
        """Make the files what they were in `former`, as `store` and `look_at` have told it."""
        for name, content in former.items():
            path = self._folder / name
            if content is not None:
                write_file(path, content)
                continue
            path.unlink(missing_ok=True)
            self._prune(path.parent)

    def _prune(self, folder: Path) -> None:
        """Remove `folder` and those above it that are empty, up to that of the stack file."""
        root = self._folder
        while folder != root and folder.is_relative_to(root):
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent

    def remove_folder(self, name: str) -> None:
        """Remove the folder `name` with all that is in it, and those above it that are empty then."""
        folder = self._folder / name
        with suppress(OSError):
            shutil.rmtree(folder)
            self._prune(folder.parent)


def write_file(path: Path, content: bytes) -> None:
    """Write `content` to `path`, with the folders that are missing above it. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    workspace.replace_file(path, content)
