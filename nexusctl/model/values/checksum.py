"""SHA-256, loaded when the first one is wanted."""

from __future__ import annotations

from io import BufferedReader
from typing import Protocol


class Digest(Protocol):
    """A checksum that grows."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


def sha256(data: bytes) -> str:
    """The SHA-256 of `data` in hex."""
    # It brings OpenSSL along, which takes a twentieth of a plan that needs none.
    import hashlib  # noqa: PLC0415 - deferred: start-up time

    return hashlib.sha256(data).hexdigest()


def new_sha256() -> Digest:
    """A SHA-256 of nothing yet."""
    # See `sha256`.
    import hashlib  # noqa: PLC0415 - deferred: start-up time

    return hashlib.sha256()


def sha256_file(file: BufferedReader) -> str:
    """The SHA-256 in hex of what is left to read of `file`. Raises `OSError`."""
    # See `sha256`.
    import hashlib  # noqa: PLC0415 - deferred: start-up time

    return hashlib.file_digest(file, "sha256").hexdigest()
