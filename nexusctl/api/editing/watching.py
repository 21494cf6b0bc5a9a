"""The desired state each time that somebody has edited it: the stack file, what it names, and what it uploads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from nexusctl.api.editing.file_changes import FileChanges
from nexusctl.api.subject import Subject, read_chosen
from nexusctl.config.build.files.stamped_digests import StampedDigests
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.files_read import keep_notes
from nexusctl.model.load_request import STDIN, Inputs
from nexusctl.model.stack import Stack
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.commands.names import Choice

RETRY = 2.0
"""Seconds after which what the engine, or who holds the lock, did not let be done is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What to do next: make `about` live, or, where that is None, say what is wrong with the files, and with no
    `problems` that they are right again.
    """

    about: Subject | None = None
    problems: tuple[Diagnostic, ...] = ()


class Watch:
    """Lives while the files are watched, as a `with` block. Only what has changed is read anew."""

    def __init__(self, inputs: Inputs, choice: Choice) -> None:
        """Raises `InputError` for a stack file that comes from stdin."""
        if STDIN in inputs.files:
            raise InputError(
                Diagnostic("a stack file from stdin cannot be watched", hint="name the file with `-f FILE`")
            )
        self._inputs, self._choice = inputs, choice
        self._changes = FileChanges()
        self._digests = StampedDigests()
        self._read = keep_notes()
        self._secrets: frozenset[Path] = frozenset()
        self._files: frozenset[Path] = frozenset()
        self._watched: frozenset[Path] = frozenset()
        self._above: frozenset[Path] = frozenset()
        self._uploaded: frozenset[Path] = frozenset()
        self._done: Stack | None = None
        self._wrong: tuple[Diagnostic, ...] = ()
        self._again = False

    def __enter__(self) -> Watch:
        """Raises `InputError` where files cannot be watched here."""
        self._changes.__enter__()
        return self

    def __exit__(self, *given: object) -> None:
        self._changes.__exit__(*given)

    def readings(self) -> Iterator[Reading]:
        """One at once, then one after each change that says something new, for ever.

        Before the next is asked for, `note_done` or `note_left` says what became of it. `KeyboardInterrupt` ends it.
        """
        asked = True
        while True:
            reading = self._look()
            if reading.about is None:
                if asked or reading.problems != self._wrong:
                    yield reading
            elif asked or reading.about.stack != self._done:
                yield reading
                # What was read meanwhile are secrets.
                self._secrets |= _places(self._read) - self._files
            elif self._wrong:
                yield Reading()
            self._wrong = reading.problems
            asked = self._wait()

    def note_done(self, about: Subject) -> None:
        """All of `about` is live now."""
        self._done, self._again = about.stack, False

    def note_left(self, *, again: bool = False) -> None:
        """Not all of it is: it is tried after the next change, or, `again`, also without one."""
        self._done, self._again = None, again

    def _look(self) -> Reading:
        while True:
            reading = self._load()
            # What changes between a look and the begin of the watch would go unseen.
            if not self._changes.watch(self._choose_folders()):
                return reading

    def _load(self) -> Reading:
        self._read.clear()
        self._digests.renew()
        try:
            about = read_chosen(self._inputs, self._choice, self._digests)
        except InputError as error:
            return Reading(problems=tuple(error.diagnostics))
        else:
            self._uploaded = frozenset(_list_folders(about.stack))
            return Reading(about=about)
        finally:
            self._files = _places(self._read)
            self._watched = self._files | self._secrets
            self._above = frozenset(above for path in self._watched for above in path.parents)

    def _choose_folders(self) -> frozenset[Path]:
        """Those of uploads, and those that the files lie in, as an editor puts a new file in the place of the old."""
        around = {_nearest_folder(path.parent) for path in self._watched}
        return frozenset(around | {folder for folder in self._uploaded if folder.is_dir()})

    def _wait(self) -> bool:
        """Until something has changed that may matter; True where that says nothing by itself."""
        while True:
            changed = self._changes.wait(RETRY if self._again else None)
            if not changed or not changed.isdisjoint(self._secrets):
                return True
            if any(self._may_matter(path) for path in changed):
                return False

    def _may_matter(self, path: Path) -> bool:
        return path.parent in self._uploaded or path in self._watched or path in self._above


def _list_folders(stack: Stack) -> Iterator[Path]:
    """All folders of this machine that are uploaded."""
    seen = set()
    for upload in (upload for sandbox in stack.sandboxes.values() for upload in sandbox.uploads):
        # A hundred sandboxes may share one.
        key = (upload.source, id(upload.files))
        if upload.source and key not in seen:
            seen.add(key)
            yield from (Path(upload.source, file.path) for file in upload.files if file.kind == "folder")


def _places(paths: Iterable[Path]) -> frozenset[Path]:
    """Where files lie, and where they lead to, each by the one name that is told of its folder."""
    found = {Path(os.path.realpath(path.parent), path.name) for path in paths}
    return frozenset(found | {Path(os.path.realpath(path)) for path in found if path.is_symlink()})


def _nearest_folder(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.is_dir())
