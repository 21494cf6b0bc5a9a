"""What files of a sandbox are and hold, of those that were written in it: in few calls, and within bounds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from nexusctl.api.connection import Engine
from nexusctl.errors import EngineError
from nexusctl.model.values.frozen import dataclass

MOST_READ = 64 * 1024 * 1024
"""Bytes that are read for one answer."""

MOST_FETCHES = 100
"""So many places are asked for, where a folder with all that is in it is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDigest:
    """`checksum` is the SHA-256 of a file, None for one that was too much to read. `kind` is file, folder or other."""

    kind: str
    size: int | None = None
    checksum: str | None = None


def read_digests(engine: Engine, container_id: str, changes: Mapping[str, str]) -> dict[str, FileDigest]:
    """Those of the paths `changes` that are there, by path, as far as the bounds allow."""
    found: dict[str, FileDigest] = {}
    left = MOST_READ
    for root in list(find_roots(changes))[:MOST_FETCHES]:
        if left <= 0:
            break
        try:
            for entry in engine.fetch(container_id, root):
                path = str(PurePosixPath(root, entry.path))
                wanted = path in changes
                if entry.kind != "file":
                    found |= {path: FileDigest(kind=entry.kind)} if wanted else {}
                    # Of a folder that is only changed, what is in it has places of its own.
                    if path == root and changes[root] != "added":
                        break
                    continue
                if not wanted or entry.size > left:
                    found |= {path: FileDigest(kind="file", size=entry.size)} if wanted else {}
                    left -= entry.size
                else:
                    left -= entry.size
                    found[path] = _digest(entry.size, entry.pieces)
                if left <= 0:
                    break
        except EngineError:
            # It has gone meanwhile, or cannot be read: the list says that it was written.
            continue
    return found


def find_roots(changes: Mapping[str, str]) -> Iterator[str]:
    """The fewest paths below which all of `changes` lie that are still there: of folders that are new, the topmost."""
    for path, kind in sorted(changes.items()):
        above = (str(parent) for parent in PurePosixPath(path).parents)
        if kind != "removed" and not any(changes.get(parent) == "added" for parent in above):
            yield path


def _digest(size: int, pieces: Iterable[bytes]) -> FileDigest:
    sha = hashlib.sha256()
    for piece in pieces:
        sha.update(piece)
    return FileDigest(kind="file", size=size, checksum=f"sha256:{sha.hexdigest()}")
