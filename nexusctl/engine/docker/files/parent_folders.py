"""The folders above what is uploaded, where a sandbox lacks them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from posixpath import dirname

from nexusctl.engine.docker.files.entries import FileEntry
from nexusctl.model.uploads_and_packages import UploadFile

_FOLDER = UploadFile(path="", digest="", mode=0o755, kind="folder")


def list_missing_parents(entries: Iterable[FileEntry], is_there: Callable[[str], bool]) -> Iterator[FileEntry]:
    """They belong to whoever what lies in them belongs to, who could not write beside it otherwise.

    The engine makes root's by itself. A folder that several need is that of the first.
    """
    wanted = [entry for entry in entries if (entry.uid, entry.gid) != (0, 0)]
    known = {"/", *(entry.path for entry in wanted if entry.file.kind == "folder")}
    for entry in wanted:
        missing, folder = [], dirname(entry.path)
        while folder not in known:
            known.add(folder)
            if is_there(folder):
                break
            missing.append(folder)
            folder = dirname(folder)
        yield from (replace(entry, path=path, file=_FOLDER) for path in reversed(missing))
