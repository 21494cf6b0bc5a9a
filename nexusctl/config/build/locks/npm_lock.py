"""A package-lock.json and all that it takes from its own folder: workspaces, `file:` folders and archives."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from nexusctl.config.build.files.beside import file_beside, files_beside
from nexusctl.config.build.files.digests import Digests, Unfit
from nexusctl.model.uploads_and_packages import UploadFile

_LARGEST = 64 * 1024 * 1024
_AGAIN = "run `npm install` beside it, which makes it anew"
_SCRIPTS = ("preinstall", "install", "postinstall", "prepare")


def npm_lock_files(lock: Path, there: Collection[Path], digests: Digests) -> tuple[UploadFile, ...]:
    """The files that npm needs to install from `lock`, which has a package.json beside it, by their paths from there.

    Of a folder whose package.json is among `there`, and so is in the sandbox anyway, only that is needed, unless it has
    scripts that run when it is installed. Raises `Unfit` for a lock that npm could not install from.
    """
    folder = lock.parent
    found = _read_json(lock)
    entries = _entries(found)
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise Unfit("its packages are not told as npm tells them", _AGAIN)
    manifest = _read_json(folder / "package.json")
    _refuse_other_workspaces(found, manifest)
    files = {name: file_beside(folder / name, folder, digests) for name in (lock.name, "package.json")}
    for path in dict.fromkeys(_local_paths(found)):
        place = _place(folder, path)
        if place == folder:
            continue
        if not place.is_relative_to(folder):
            hint = "put it below the lock file's folder, or name the lock file of a folder above both"
            raise Unfit(f"{_where(lock, path)} takes `{path}` from outside of its folder", hint)
        if not place.exists():
            raise Unfit(f"{_where(lock, path)} takes `{path}`, which is not there", f"put it there, or {_AGAIN}")
        for file in _local_files(place, folder, there, digests):
            files.setdefault(file.path, file)
    return tuple(files.values())


def _place(folder: Path, path: str) -> Path:
    """Where `path` leads from `folder`; npm writes some signs as in an address."""
    places = [Path(os.path.normpath(folder / text)) for text in (path, unquote(path))]
    return next((place for place in places if place.exists()), places[0])


def _local_files(place: Path, folder: Path, there: Collection[Path], digests: Digests) -> Iterator[UploadFile]:
    manifest = place / "package.json"
    if place.is_dir() and not manifest.is_file():
        raise Unfit(f"`{place.relative_to(folder)}` has no package.json", "put it there, or take the folder out")
    if place.is_dir() and manifest in there and not _has_scripts(manifest):
        place = manifest
    yield from files_beside(place, folder, digests)


def _has_scripts(manifest: Path) -> bool:
    scripts = _read_json(manifest).get("scripts")
    return isinstance(scripts, dict) and any(event in scripts for event in _SCRIPTS)


def _local_paths(lock: Mapping[str, Any]) -> Iterator[str]:
    """The folders and archives of this machine that `lock` installs from, as it names them."""
    by_place = "packages" in lock
    for path, entry in _entries(lock).items():
        said = entry.get("resolved" if by_place else "version")
        if isinstance(said, str) and (said.startswith("file:") or entry.get("link") is True):
            yield said.removeprefix("file:")
        if by_place and path and "node_modules" not in path.split("/"):
            yield path


def _entries(lock: Mapping[str, Any]) -> Any:
    """By place; npm before the seventh told only names, and kept what others need below them."""
    return lock.get("packages", lock.get("dependencies", {}))


def _refuse_other_workspaces(lock: Mapping[str, Any], manifest: Mapping[str, Any]) -> None:
    """npm installs nothing of a workspace that its lock does not know, and says nothing of it."""
    own = lock.get("packages", {}).get("")
    wanted = manifest.get("workspaces")
    known = own.get("workspaces") if isinstance(own, dict) else None
    if wanted and _patterns(wanted) != _patterns(known):
        raise Unfit("the workspaces in it are not those of package.json", _AGAIN)


def _patterns(said: Any) -> Any:
    """The patterns of workspaces, which Yarn keeps one level deeper."""
    return said.get("packages") if isinstance(said, dict) else said


def _where(lock: Path, path: str) -> str:
    sought = re.compile(rf'"(?:file:)?{re.escape(path)}"')
    lines = lock.read_text("utf-8", "replace").splitlines()
    number = next((number for number, line in enumerate(lines, 1) if sought.search(line)), 1)
    return f"line {number} of `{lock.name}`"


def _read_json(path: Path) -> dict[str, Any]:
    """Nothing of the file is shown: it may be any that is named."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_LARGEST).decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        hint = _AGAIN if path.name != "package.json" else "correct it there"
        raise Unfit(f"line {error.lineno} of `{path.name}` is no JSON: {error.msg}", hint) from None
    except (OSError, ValueError, RecursionError):
        raise Unfit(f"`{path.name}` cannot be read as JSON", _AGAIN) from None
    if not isinstance(found, dict):
        raise Unfit(f"`{path.name}` holds no JSON object", _AGAIN)
    return found
