"""Files that uploads leave out by their patterns: nobody added them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from pathspec import GitIgnoreSpec

from nexusctl.model.stack import Upload
from nexusctl.plan.compare.paths import list_above


class IgnoredFiles:
    """The patterns of `uploads`, each set of them read once."""

    def __init__(self, uploads: Iterable[Upload]) -> None:
        self._patterns: dict[str, list[tuple[str, ...]]] = {}
        for upload in uploads:
            if upload.ignore:
                self._patterns.setdefault(upload.target.rstrip("/"), []).append(upload.ignore)
        self._read = cache(GitIgnoreSpec.from_lines)

    def match(self, path: str, kind: str) -> bool:
        """Whether an upload into a folder above the absolute `path` of a file or `folder` leaves it out."""
        if not self._patterns:
            return False
        return any(
            self._read(patterns).match_file(path[len(folder) + 1 :] + ("/" if kind == "folder" else ""))
            for folder in list_above(path)
            for patterns in self._patterns.get(folder, ())
        )
