"""The file in which encrypted values lie in the repository: a line a value, so that a review sees which one changed.

Names and recipients can be read by anybody; each value is encrypted by itself, so whoever adds one need not be able to
read the others.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from nexusctl.model.values.frozen import dataclass
from nexusctl.secrets.base import Unreadable

FORMAT, FORMAT_VERSION = "nexusctl-secrets", 1

_WHOLE = (b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----")


@dataclass(frozen=True, slots=True, kw_only=True)
class Safe:
    """`recipients` are public keys; `values` maps names to what age made of the values."""

    recipients: tuple[str, ...] = ()
    values: Mapping[str, bytes] = field(default_factory=dict)


def is_whole(data: bytes) -> bool:
    """Whether `data` is one value that `age` itself has encrypted."""
    return data.startswith(_WHOLE)


def read_safe(data: bytes, name: str) -> Safe:
    """The safe in `data`, the content of the file `name`. Raises `Unreadable`."""
    try:
        document: Any = json.loads(data)
        if document["format"] != FORMAT:
            raise ValueError  # noqa: TRY301 - as any other damage
        version = document["format_version"]
        if version != FORMAT_VERSION:
            hint = "upgrade nexusctl"
            raise Unreadable(f"`{name}` has the format version {version!r}, which this nexusctl cannot read", hint)
        values = {str(key): base64.b64decode(text, validate=True) for key, text in document["secrets"].items()}
        return Safe(recipients=tuple(map(str, document["recipients"])), values=values)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        hint = "`nexusctl secrets encrypt NAME` begins one; a merge may have damaged it"
        raise Unreadable(f"`{name}` is no file of encrypted secrets", hint) from None


def write_safe(safe: Safe) -> bytes:
    """`safe` as the content of a file, names and recipients in order."""
    document = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "recipients": sorted(safe.recipients),
        "secrets": {name: base64.b64encode(data).decode() for name, data in sorted(safe.values.items())},
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
