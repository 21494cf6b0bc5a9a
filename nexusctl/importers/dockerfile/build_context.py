"""The folder that a Dockerfile is built in: what it copies of it, and what a .dockerignore leaves out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from nexusctl.config.trust.project_folder import why_outside
from nexusctl.model.trust import Trust

_LARGEST = 256 * 1024
_MOST_FILES = 50_000


class BuildContext:
    """`folder` is what Docker is given; `ignored` are the patterns of the .dockerignore in it, or beside the file."""

    def __init__(self, folder: Path, dockerfile: Path, trust: Trust) -> None:
        self.folder = folder
        self._trust = trust
        own = dockerfile.with_name(dockerfile.name + ".dockerignore")
        self.ignored = _read_ignored(own if own.is_file() else folder / ".dockerignore", trust)

    def find(self, pattern: str) -> list[str]:
        """The paths, relative to the folder, that `pattern` names; empty where there is none, or it leads out."""
        clean = os.path.normpath(pattern.lstrip("/") or ".")
        if clean.startswith(".."):
            return []
        if not set("*?[") & set(clean):
            path = self.folder / clean
            return [clean] if path.exists() and not self._is_outside(path) else []
        found = sorted(path.relative_to(self.folder).as_posix() for path in self.folder.glob(clean))
        return [path for path in found if not self.is_ignored(path) and not self._is_outside(self.folder / path)]

    def is_folder(self, path: str) -> bool:
        return (self.folder / path).is_dir()

    def is_ignored(self, path: str) -> bool:
        """Whether the .dockerignore leaves `path` out: the last pattern that names it, or a folder above, counts."""
        return _is_left_out(path, self.ignored)

    def files(self, path: str) -> dict[str, None]:
        """The files in the folder `path` that are copied, counted from it; the empty one where it is a file itself."""
        if not self.is_folder(path):
            return {"": None}
        found: dict[str, None] = {}
        for folder, folders, names in os.walk(self.folder / path):
            here = Path(folder).relative_to(self.folder)
            if not any(pattern.startswith("!") for pattern in self.ignored):
                folders[:] = [name for name in folders if not self.is_ignored((here / name).as_posix())]
            inside = (here / name for name in names if not self.is_ignored((here / name).as_posix()))
            found |= {file.relative_to(path).as_posix(): None for file in inside}
            if len(found) > _MOST_FILES:
                break
        return found

    def patterns_below(self, path: str) -> list[str]:
        """The .dockerignore as the patterns of a .gitignore in the folder `path`."""
        above = [] if path == "." else path.split("/")
        opened: set[str] = set()
        patterns: list[str] = []
        for position, pattern in enumerate(self.ignored):
            back, plain = pattern.startswith("!"), pattern.removeprefix("!")
            below = _below(plain, above)
            if below is None:
                continue
            if back:
                # Git takes nothing in again below a folder that is left out: each on the way is opened.
                patterns += self._open(below, self.ignored[:position], opened)
            patterns.append(("!" if back else "") + below)
        return patterns

    def _open(self, pattern: str, before: Sequence[str], opened: set[str]) -> Iterator[str]:
        parts = pattern.strip("/").split("/")
        for end in range(1, len(parts)):
            folder = "/".join(parts[:end])
            if folder in opened or "**" in folder:
                continue
            opened.add(folder)
            if _is_left_out(folder, before):
                yield f"!/{folder}/"
                yield f"/{folder}/*"

    def _is_outside(self, path: Path) -> bool:
        return self._trust.untrusted and bool(why_outside(path, self._trust.project))


def _read_ignored(path: Path, trust: Trust) -> tuple[str, ...]:
    if not path.is_file() or (trust.untrusted and why_outside(path, trust.project)):
        return ()
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        lines = file.read(_LARGEST).splitlines()
    return tuple(clean for line in lines if not line.startswith("#") and (clean := _clean(line.strip())))


def _clean(line: str) -> str:
    """Docker counts every pattern from the folder, with a slash before it or without."""
    back = "!" if line.startswith("!") else ""
    plain = line.removeprefix("!").strip()
    if not plain:
        return ""
    plain = os.path.normpath(plain).strip("/")
    return back + plain if plain not in ("", ".") else ""


def _is_left_out(path: str, patterns: Sequence[str]) -> bool:
    left_out = False
    for pattern in patterns:
        if any(_matches(pattern.removeprefix("!"), above) for above in _upwards(path)):
            left_out = not pattern.startswith("!")
    return left_out


def _upwards(path: str) -> Iterator[str]:
    parts = path.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts) + 1))


def _matches(pattern: str, path: str) -> bool:
    folders, reached = path.split("/"), {0}
    for part in pattern.split("/"):
        if not reached:
            return False
        if part == "**":
            reached = set(range(min(reached), len(folders) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(folders) and _is_called(folders[at], part)}
    return len(folders) in reached


def _is_called(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern.replace("[^", "[!"))


def _below(pattern: str, above: Sequence[str]) -> str | None:
    """`pattern` counted from the folder `above`; None where it names nothing below it."""
    parts = pattern.split("/")
    if parts[0] == "**":
        return pattern if len(parts) > 1 else "*"
    for folder in above:
        if len(parts) < 2 or not _is_called(folder, parts[0]):
            return "*" if len(parts) == 1 and _is_called(folder, parts[0]) else None
        parts = parts[1:]
        if parts[0] == "**":
            return "/".join(parts)
    return "/" + "/".join(parts)
