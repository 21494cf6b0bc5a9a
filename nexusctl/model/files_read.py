"""Which files of this machine were read, or looked for: known to whoever looks again when one of them has changed."""

from __future__ import annotations

import os
from pathlib import Path

_noted: set[Path] | None = None


def keep_notes() -> set[Path]:
    """From now on every file that is read is noted in the set that this returns, by its path without `..`."""
    global _noted  # noqa: PLW0603 - whoever reads a file knows nothing of who watches
    _noted = set()
    return _noted


def note_file(path: Path) -> None:
    """Say that `path` is read, whether it is there or not."""
    if _noted is not None:
        _noted.add(Path(os.path.abspath(path)))  # noqa: PTH100 - pathlib keeps `..`
