"""A tar archive read once from its beginning to its end, whose files are handed on as they come, without copies."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import BinaryIO, cast

MOST_READS = 8
"""Archives of one place each that are read one by one; for more, one of all that lies there is quicker."""


class Tape:
    """Iterates over the members of the archive in `pieces`. Raises `tarfile.TarError` for what is none, or is cut."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._band = _Band(pieces)

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        # Not as a stream of the library's, which copies each byte three times.
        with tarfile.open(fileobj=cast(BinaryIO, self._band), mode="r:") as archive:
            for member in archive:
                # It would keep all that it has seen.
                archive.members.clear()  # type: ignore[attr-defined]
                yield member

    def content(self, member: tarfile.TarInfo) -> Iterator[bytes]:
        """The bytes of the file that the iteration is at, once."""
        left = member.size
        while left:
            data = self._band.read_some(left)
            if not data:
                raise tarfile.ReadError("unexpected end of data")
            left -= len(data)
            yield data


class _Band:
    """Pieces to read like a file that goes forward only, holding one of them."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest, self._at, self._place = pieces, b"", 0, 0

    def tell(self) -> int:
        return self._place

    def seek(self, place: int) -> None:
        while self._place < place and self.read_some(place - self._place):
            pass

    def read(self, size: int) -> bytes:
        """As many, fewer at the end."""
        data = self.read_some(size)
        while len(data) < size and (more := self.read_some(size - len(data))):
            data += more
        return data

    def read_some(self, size: int) -> bytes:
        """What is there of a piece, at most `size` bytes; nothing at the end."""
        if self._at == len(self._rest):
            self._rest, self._at = next(self._pieces, b""), 0
        begin, end = self._at, min(self._at + size, len(self._rest))
        self._at = end
        self._place += end - begin
        return self._rest if end - begin == len(self._rest) else self._rest[begin:end]
