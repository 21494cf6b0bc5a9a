"""What a batch is about to change, written down beside the stack file until it is done: who comes after a server that
was killed in the midst of one finishes it, or takes it back.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import Any

from nexusctl.api import workspace
from nexusctl.model.values.frozen import dataclass

_ENDING = ".door-"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """The texts `before` and `after`, the sandboxes `names` that it is about, and the former `files`.

    `before` is None where there was no file, and so is a file of `files` that was not there.
    """

    before: str | None
    after: str
    names: tuple[str, ...]
    files: Mapping[str, bytes | None] = field(default_factory=dict)


class PendingEntry:
    """An entry that is written down, and locked for as long as its writer lives."""

    def __init__(self, path: Path, lock: int) -> None:
        self._path = path
        self._lock = lock

    def clear(self) -> None:
        """It is done."""
        self._path.unlink(missing_ok=True)
        os.close(self._lock)


def write(stack_file: Path, entry: JournalEntry) -> PendingEntry:
    """Write `entry` down beside the stack file. Raises `OSError`."""
    path = stack_file.with_name(f".{stack_file.name}{_ENDING}{os.urandom(4).hex()}")
    workspace.replace_file(path, json.dumps(_plain(entry)), private=True)
    lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    with suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_EX)
    return PendingEntry(path, lock)


def find_left(stack_file: Path) -> Iterator[tuple[PendingEntry, JournalEntry]]:
    """The entries beside the stack file whose writers are dead; each is locked for the caller."""
    for path in sorted(stack_file.absolute().parent.glob(f".{stack_file.name}{_ENDING}*")):
        with suppress(OSError):
            lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                entry = _read(path)
            except OSError:
                os.close(lock)
                continue
            note = PendingEntry(path, lock)
            if entry is None:
                note.clear()
            else:
                yield note, entry


def _plain(entry: JournalEntry) -> dict[str, Any]:
    files = {name: None if data is None else base64.b64encode(data).decode() for name, data in entry.files.items()}
    return {"before": entry.before, "after": entry.after, "names": list(entry.names), "files": files}


def _read(path: Path) -> JournalEntry | None:
    """What is written in `path`; None for what nobody can read, which was never begun."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        files = {
            name: None if data is None else base64.b64decode(data)
            for name, data in found["files"].items()
            if ".." not in Path(name).parts and not Path(name).is_absolute()
        }
        return JournalEntry(before=found["before"], after=found["after"], names=tuple(found["names"]), files=files)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
