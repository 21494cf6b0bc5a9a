"""What comes out of a sandbox as files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One entry below the path that was asked for, and `path` from there on, empty for the entry itself.

    The `pieces` of a file have to be taken before the next entry is. What is neither file nor folder is `other`: a
    link, a device, a socket. All of it is a sandbox's word.
    """

    path: str
    kind: Literal["file", "folder", "other"]
    size: int = 0
    mode: int = 0o644
    pieces: Iterator[bytes] = iter(())
