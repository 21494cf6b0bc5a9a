"""Digests that outlive a load: a file is read again only where its inode says that somebody has written to it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from nexusctl.config.build.files.digests import Digests

_COARSE = 50_000_000
"""Nanoseconds for which a file system may give two writes the same time."""

Stamp = tuple[int, int, int, int, int]


class StampedDigests(Digests):
    def __init__(self) -> None:
        super().__init__()
        self._stamped: dict[str, tuple[Stamp, str]] = {}

    def renew(self) -> None:
        """Before each load: nothing counts as known but what the inodes vouch for."""
        self._files.clear()
        self._trees.clear()

    def file(self, path: Path, size: int) -> str:
        stamp = _take_stamp(path)
        known = self._stamped.get(str(path))
        if known and stamp and known[0] == stamp:
            return known[1]
        digest = super().file(path, size)
        if stamp and max(stamp[3:]) < time.time_ns() - _COARSE:
            self._stamped[str(path)] = (stamp, digest)
        else:
            self._stamped.pop(str(path), None)
        return digest


def _take_stamp(path: Path) -> Stamp | None:
    try:
        found = os.stat(path, follow_symlinks=False)  # noqa: PTH116 - thousands of them
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
