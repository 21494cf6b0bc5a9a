"""SHA-256, loaded when the first one is wanted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from io import BufferedReader
from typing import Any, Protocol


class Digest(Protocol):
    """A checksum that grows."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


_SHORT = 64 * 1024
"""Bytes up to which Python's own SHA-256 has its answer before OpenSSL's is loaded, which is five times as fast."""


def sha256(data: bytes) -> str:
    """The SHA-256 of `data` in hex."""
    if len(data) <= _SHORT and (quick := _find_quick()):
        digest: str = quick(data).hexdigest()
        return digest
    # It brings OpenSSL along, which takes a twentieth of a plan that needs none.
    import hashlib  # noqa: PLC0415 - deferred: start-up time

    return hashlib.sha256(data).hexdigest()


@cache
def _find_quick() -> Callable[[bytes], Any] | None:
    """Python's own, by its name since 3.12 or the one before; a name that is not there is looked for on the disk."""
    for name in ("_sha2", "_sha256"):
        with suppress(ImportError):
            found: Callable[[bytes], Any] = import_module(name).sha256
            return found
    return None


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
