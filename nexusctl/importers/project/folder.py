"""The files of a project that say what it is, and what was taken from which."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nexusctl.config.trust.project_folder import why_outside
from nexusctl.errors import Diagnostic, InputError
from nexusctl.importers.draft.draft import Leftovers
from nexusctl.model.trust import Trust

_LOOKED_INTO = 256 * 1024
_MOST_SOURCES = 300
_NOT_SOURCES = {"node_modules", "dist", "build", "venv", "site-packages", "__pycache__", "test", "tests"}
_SOURCES = (".py", ".js", ".mjs", ".cjs", ".ts", ".mts", ".prisma")
_READS_VARIABLE = re.compile(
    r"""(?:environ(?:\.get)?\s*[\[(]\s*|getenv\(\s*|\benv(?:\.\w+)?\(\s*)["']([A-Z][A-Z0-9_]*)["']"""
    r"""|process\.env(?:\.|\[["'])([A-Z][A-Z0-9_]*)"""
)


class ProjectFolder:
    """`said` are pairs of what was taken, and the file that said it; `leftovers` what has no place."""

    def __init__(self, path: Path, trust: Trust) -> None:
        self.path = path
        self.trust = trust
        self.leftovers = Leftovers()
        self._said: dict[str, tuple[str, str]] = {}

    def has(self, name: str) -> bool:
        return (self.path / name).is_file()

    def first(self, *names: str) -> str:
        """The first of `names` that is there, empty for none."""
        return next((name for name in names if self.has(name)), "")

    def text(self, name: str) -> str:
        """What the file says, at most its first 256 KiB; empty where there is none.

        Raises `InputError` where a stranger's leads out of the project.
        """
        path = self.path / name
        if not path.is_file():
            return ""
        self.check(name)
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_LOOKED_INTO)

    def check(self, name: str) -> None:
        """Raise `InputError` where a stranger's file leads out of the project."""
        path = self.path / name
        if self.trust.untrusted and (why := why_outside(path, self.trust.project)):
            raise InputError(Diagnostic(f"`{path}` {why}", hint=self.trust.hint))

    def json(self, name: str) -> dict[str, Any]:
        return self._parse(name, json.loads)

    def toml(self, name: str) -> dict[str, Any]:
        return self._parse(name, tomllib.loads)

    def _parse(self, name: str, parse: Any) -> dict[str, Any]:
        path = self.path / name
        try:
            told = parse(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(Diagnostic(f"`{path}` cannot be read: {reason}", hint="put that right first")) from None
        return told if isinstance(told, dict) else {}

    def say(self, what: str, file: str, words: str = "") -> None:
        """Take note that `file` said `what`, and in which words; whoever says it later has the last word."""
        before = self._said.get(what, ("", file))[1]
        kept = f", and not {before}" if before != file else ""
        self._said[what] = f"{what}{f': {words}' if words else ''}{kept}", file

    @property
    def said(self) -> tuple[tuple[str, str], ...]:
        return tuple(self._said.values())

    def variables_read(self) -> frozenset[str]:
        """The environment variables that its programs read by name."""
        return frozenset(match[1] or match[2] for text in self._sources() for match in _READS_VARIABLE.finditer(text))

    def _sources(self) -> Iterator[str]:
        left = _MOST_SOURCES
        for folder, folders, names in os.walk(self.path):
            folders[:] = sorted(n for n in folders if n not in _NOT_SOURCES and not n.startswith("."))
            for name in sorted(names):
                path = Path(folder) / name
                if not name.endswith(_SOURCES) or path.is_symlink():
                    continue
                left -= 1
                if left < 0:
                    return
                yield self.text(path.relative_to(self.path).as_posix())


def section(told: Any, key: str) -> dict[str, Any]:
    """The mapping below `key`, an empty one where there is none."""
    value = told.get(key) if isinstance(told, dict) else None
    return value if isinstance(value, dict) else {}
