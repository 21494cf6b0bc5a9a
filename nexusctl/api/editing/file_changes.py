"""The door to watchfiles: which files of this machine somebody has changed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from nexusctl.errors import Diagnostic, InputError

if TYPE_CHECKING:
    from collections.abc import Generator

    from watchfiles.main import FileChange

QUIET = 20
"""Milliseconds in which nothing changes any more: then what has changed is told, all at once."""

LONGEST = 400
"""Milliseconds after which it is told in any case, as something may never come to rest."""


class FileChanges:
    """Watches folders for what changes directly in them. Closes with the `with` block that it is used in."""

    def __init__(self) -> None:
        self._folders: frozenset[Path] = frozenset()
        self._told: Generator[set[FileChange], None, None] | None = None

    def __enter__(self) -> FileChanges:
        require_library()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def watch(self, folders: Iterable[Path]) -> bool:
        """From now on these; False where they were watched before. Raises `InputError` where that cannot be."""
        # Loaded by this command alone.
        from watchfiles import watch  # noqa: PLC0415 - deferred: start-up time

        wanted = frozenset(folders)
        if wanted == self._folders:
            return False
        self._close()
        self._told = watch(
            *sorted(wanted),
            watch_filter=None,
            debounce=LONGEST,
            step=QUIET,
            rust_timeout=QUIET,
            yield_on_timeout=True,
            raise_interrupt=True,
            recursive=False,
        )
        try:
            # What it tells now is seen by whoever looks after it has begun.
            next(self._told)
        except FileNotFoundError:
            # One of them has gone a moment ago; so it is looked again.
            self._close()
            return True
        except OSError as error:
            self._close()
            raise InputError(
                Diagnostic(
                    f"{len(wanted):,} folders cannot be watched: {error}",
                    hint="`sysctl fs.inotify.max_user_watches=524288` allows more; `WATCHFILES_FORCE_POLLING=1` polls",
                )
            ) from None
        self._folders = wanted
        return True

    def wait(self, seconds: float | None = None) -> frozenset[Path]:
        """What has changed since the last call; after so many seconds, if nothing has, nothing."""
        end = None if seconds is None else time.monotonic() + seconds
        while end is None or time.monotonic() < end:
            changed = next(self._told) if self._told else set()
            if changed:
                return frozenset(Path(path) for _, path in changed)
            if self._told is None:
                time.sleep(QUIET / 1000)
        return frozenset()

    def _close(self) -> None:
        self._folders = frozenset()
        if self._told:
            self._told.close()
        self._told = None


def require_library() -> None:
    """Raise `InputError` where watchfiles is not installed."""
    try:
        import watchfiles  # noqa: F401, PLC0415 - deferred: start-up time
    except ImportError:
        hint = "`pip install 'nexusctl[watch]'` brings it"
        raise InputError(Diagnostic("watching files needs the package watchfiles", hint=hint)) from None
