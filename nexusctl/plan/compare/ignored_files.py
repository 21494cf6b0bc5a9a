"""Files that uploads leave out by their patterns: nobody added them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from nexusctl.model.uploads_and_packages import Upload
from nexusctl.model.values.gitignore import read_patterns
from nexusctl.plan.compare.paths import list_above

SELF_MADE = frozenset(
    {"node_modules", "__pycache__", ".cache", ".npm", ".venv", ".vite", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
)
"""What tools make beside the sources that they work on: never counted as added to an upload."""


class IgnoredFiles:
    """The patterns of `uploads`, each set of them read once."""

    def __init__(self, uploads: Iterable[Upload]) -> None:
        self._patterns: dict[str, list[tuple[str, ...]]] = {}
        for upload in uploads:
            if upload.ignore:
                self._patterns.setdefault(upload.target.rstrip("/"), []).append(upload.ignore)
        self._read = cache(read_patterns)

    def match(self, path: str, kind: str) -> bool:
        """Whether an upload into a folder above the absolute `path` of a file or `folder` leaves it out."""
        if not self._patterns:
            return False
        return any(
            self._read(patterns).leaves_out_below(path[len(folder) + 1 :], folder=kind == "folder")
            for folder in list_above(path)
            for patterns in self._patterns.get(folder, ())
        )
