"""The port of files in containers, running or not: looked at, read and written as tar streams.

As in `engine/base.py` every method blocks and raises only `EngineError` and its children.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from nexusctl.model.values.cksum import Checksum
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PathStat:
    """What lies at a path: where its links lead in the container, and what is there."""

    real: str
    kind: Literal["file", "folder", "other", "absent"]
    size: int


class Archives(Protocol):
    def stat(self, container_id: str, path: str) -> PathStat:
        """Of an absolute path, its links followed, to what is there or would be. Raises `EngineError` for a circle."""

    def find_obstacle(self, container_id: str, path: str) -> str:
        """Why nothing can be written at `path`, which has no links in it, so that the container's programs have it.

        A phrase that follows `because`; empty where it can.
        """

    def owner(self, container_id: str) -> tuple[int, int]:
        """The numbers of the user and group that the container runs as."""

    def read(self, container_id: str, path: str) -> AbstractContextManager[Iterator[bytes]]:
        """The archive of what lies at `path`: its last name, and all that is below. Raises `NotFound`."""

    def write(self, container_id: str, folder: str, archive: Iterable[bytes]) -> None:
        """Lay down what is in the archive in `folder`, which is there; a file in the place of a folder is refused."""

    def checksums(self, container_id: str, paths: Sequence[str], size: int) -> Mapping[str, Checksum]:
        """Those of files at absolute `paths`, `size` bytes in all, by a tool of the running container.

        It is the container's word, and only about itself. What has none was not found out; that is no error.
        """
