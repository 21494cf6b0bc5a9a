"""The bytes of a file as text and back: its encoding, byte order mark and line ends stay."""

from __future__ import annotations

from nexusctl.errors import Diagnostic, InputError

_WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def encoding_of(data: bytes) -> str:
    """In which encoding `data` is; what is decoded with it keeps its byte order mark, and encoded is the same again."""
    return _WIDE.get(data[:2], "utf-8")


def decode(data: bytes, display: str) -> str:
    """`data` as text, a byte order mark as its first character. Raises `InputError` where it is no text."""
    try:
        return data.decode(encoding_of(data))
    except UnicodeDecodeError:
        raise InputError(Diagnostic(f"`{display}` is not valid UTF-8", hint="save the file as UTF-8")) from None
