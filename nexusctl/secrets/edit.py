"""Editing a value in the user's own editor, with nothing of it on a disk."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from nexusctl.secrets.base import Unreadable

MEMORY = Path("/dev/shm")
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def edit_value(name: str, value: bytes) -> bytes:
    """`value` as the user leaves it in $VISUAL or $EDITOR. Raises `Unreadable` where that fails."""
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with _memory_folder() as folder:
        file = folder / name
        file.touch(mode=0o600)
        file.write_bytes(value)
        try:
            code = subprocess.run([*shlex.split(command), str(file)], check=False).returncode
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Unreadable(f"the editor `{command}` cannot be run: {reason.lower()}", "set EDITOR") from None
        if code != 0:
            raise Unreadable(f"the editor ended with exit code {code}", "nothing was changed")
        return file.read_bytes()


@contextmanager
def _memory_folder() -> Iterator[Path]:
    """A folder in memory that is the user's alone; it goes whatever happens, with all that the editor left in it."""
    if not _is_memory(MEMORY):
        hint = "`nexusctl secrets encrypt NAME` takes a value from standard input"
        raise Unreadable(f"`{MEMORY}` is no memory here, and a value must not get on a disk", hint)
    folder = Path(tempfile.mkdtemp(prefix="nexusctl-edit-", dir=MEMORY))
    former = {number: signal.signal(number, _leave) for number in _SIGNALS}
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        for number, handler in former.items():
            signal.signal(number, handler)


def _leave(number: int, _: Any) -> NoReturn:
    raise SystemExit(128 + number)


def _is_memory(folder: Path) -> bool:
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return any(line.split()[1:3] == [str(folder), "tmpfs"] for line in mounts)
