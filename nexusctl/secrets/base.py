"""What every source is, and how it says that it cannot."""

from __future__ import annotations

from typing import Protocol

from nexusctl.model.secret import SecretRef

SIZE_LIMIT = 1024 * 1024
"""Bytes. What is longer is no secret but a file, and belongs under `uploads` or on a volume."""


class Unreadable(Exception):
    """A secret that cannot be read: what is wrong, and what to do. Neither says anything of a value."""

    def __init__(self, summary: str, hint: str) -> None:
        super().__init__(summary)
        self.summary = summary
        self.hint = hint


class SecretSource(Protocol):
    def read(self, ref: SecretRef) -> bytes:
        """The value that `ref` means, as it is kept there. Raises `Unreadable`."""


def missing_extra(extra: str, library: str) -> Unreadable:
    """The error for a source whose library is not installed."""
    return Unreadable(
        f"the source `{extra}` needs {library}, which is not installed", f"`pip install 'nexusctl[{extra}]'`"
    )
