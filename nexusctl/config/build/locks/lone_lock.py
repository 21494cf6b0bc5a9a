"""A lock that names all of it by versions: with it goes what its manager reads beside it, and nothing of a project."""

from __future__ import annotations

from pathlib import Path

from nexusctl.config.build.files.beside import file_beside
from nexusctl.config.build.files.digests import Digests, Unfit
from nexusctl.model.uploads_and_packages import UploadFile
from nexusctl.packages.base import PackageManager

_LARGEST = 64 * 1024 * 1024


def lone_lock_files(lock: Path, manager: PackageManager, digests: Digests) -> tuple[UploadFile, ...]:
    """`lock` and what goes along; raises `Unfit` where it needs folders or files that are no part of it."""
    with lock.open("rb") as opened:
        text = opened.read(_LARGEST).decode("utf-8", "replace")
    match = manager.lock_elsewhere.search(text) if manager.lock_elsewhere else None
    if match:
        (what,) = (found for found in match.groups() if found)
        line = text.count("\n", 0, match.end()) + 1
        hint = "take it out of the lock, and install it by `startup` from what `uploads` put in"
        raise Unfit(f"line {line} takes `{what}`, which no package index has", hint)
    along = (name for name in (manager.lock_beside, *manager.lock_along) if name and lock.with_name(name).is_file())
    return tuple(file_beside(lock.with_name(name), lock.parent, digests) for name in (lock.name, *along))
