"""Files that are replaced as a whole: whoever reads one finds the former content or the new, never a part of it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path


def replace_file(
    path: Path, content: str | bytes, *, private: bool = False, check: Callable[[Path], object] | None = None
) -> None:
    """Write `content` to `path`; a `private` file is for its owner only.

    `check` gets the new file, which lies beside `path` then, and raises where it must not take its place. Raises
    `OSError`, and what `check` raises; then everything is as it was.
    """
    with file_beside(path, content, private=private) as new:
        if check:
            check(new)
        new.replace(path)


@contextmanager
def file_beside(path: Path, content: str | bytes, *, private: bool = False) -> Iterator[Path]:
    """A new file with `content` in the folder of `path`, for as long as this lasts. Raises `OSError`.

    Those that a process left there when it was killed are removed.
    """
    _sweep(path)
    try:
        opened, new = _create(path, 0o600 if private else 0o666)
    except OSError as error:
        # Nobody has heard of the name that this one would have.
        raise OSError(error.errno, error.strerror, str(path)) from None
    try:
        # It stays open, and with that locked.
        with open(opened, "wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            yield new
    finally:
        new.unlink(missing_ok=True)


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Nobody else who asks for it is alone with `path` meanwhile. Where folders cannot be locked, this does nothing."""
    opened = os.open(path.absolute().parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def _create(path: Path, mode: int) -> tuple[int, Path]:
    while True:
        new = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
        opened = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        # Where files cannot be locked, none is taken for a dead one's either.
        with suppress(OSError):
            fcntl.flock(opened, fcntl.LOCK_EX)
        if os.fstat(opened).st_nlink:
            return opened, new
        # Somebody swept it away before it was locked.
        os.close(opened)


def _sweep(path: Path) -> None:
    for left in path.parent.glob(f".{escape(path.name)}.{'[0-9a-f]' * 8}"):
        with suppress(OSError):
            opened = os.open(left, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink()
            finally:
                os.close(opened)
