"""What lies beside a lock file and goes along with it, to where a package manager works."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from nexusctl.config.build.files.digests import Digests, Unfit
from nexusctl.model.files_read import note_file
from nexusctl.model.uploads_and_packages import UploadFile

# What tools make themselves, and what nobody wants in an image.
_LEFT_OUT = (
    *(".git", ".env", ".env.*", "!.env.example", "node_modules/"),
    *(".venv/", "venv/", "__pycache__/", "*.egg-info/"),
)


def file_beside(path: Path, folder: Path, digests: Digests) -> UploadFile:
    """The file `path`, as it is called in the `folder` of the lock file. Raises `Unfit`.

    The mode is a fixed one: the same lock makes the same image, however it was checked out.
    """
    note_file(path)
    _refuse_link_outside(path, folder)
    real = Path(os.path.realpath(path))
    size = real.stat().st_size
    return UploadFile(path=path.relative_to(folder).as_posix(), digest=digests.file(real, size), mode=0o644, size=size)


def files_beside(path: Path, folder: Path, digests: Digests) -> Iterator[UploadFile]:
    """The file `path`, or all that a folder of this path holds. Raises `Unfit`."""
    if not path.is_dir():
        yield file_beside(path, folder, digests)
        return
    _refuse_link_outside(path, folder)
    prefix = path.relative_to(folder).as_posix()
    try:
        entries = digests.tree(Path(os.path.realpath(path)), _LEFT_OUT, None)
    except Unfit as error:
        raise Unfit(f"`{prefix}` goes along with it: {error.summary}", "take that out of the folder") from None
    yield from (replace(entry, path=f"{prefix}/{entry.path}") for entry in entries if entry.kind != "folder")


def _refuse_link_outside(path: Path, folder: Path) -> None:
    real = os.path.realpath(path)
    if not Path(real).is_relative_to(os.path.realpath(folder)):
        kind = "folder" if path.is_dir() else "file"
        raise Unfit(
            f"`{path.name}` is a link that leads out of its folder, to `{real}`", f"put the {kind} there itself"
        )
