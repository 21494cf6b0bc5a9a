"""Keys of age: whose identity this is, and the door to the library that encrypts and decrypts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from nexusctl.secrets.base import Unreadable, missing_extra
from nexusctl.secrets.file import read_file

IDENTITY = "NEXUS_AGE_IDENTITY"
"""The variable that holds an identity, for machines such as CI."""

IDENTITY_FILE = "NEXUS_AGE_IDENTITY_FILE"
USUAL_FILE = "~/.config/nexusctl/identity.txt"

Identities = Sequence[Any]


def read_identities() -> Identities:
    """The identities of whoever runs nexusctl, as age writes them. Raises `Unreadable`."""
    if text := os.environ.get(IDENTITY):
        return _parse_identities(text, f"the variable {IDENTITY}")
    named = os.environ.get(IDENTITY_FILE)
    path = Path(named or USUAL_FILE).expanduser()
    if not named and not path.exists():
        hint = f"`nexusctl secrets keygen` makes one; {IDENTITY_FILE} names another file, {IDENTITY} holds it itself"
        raise Unreadable(f"there is no identity of yours to decrypt with, not even in `{USUAL_FILE}`", hint)
    where = f"`{path}`, which {IDENTITY_FILE} names," if named else f"`{path}`"
    try:
        text = read_file(path).decode(errors="replace")
    except Unreadable as error:
        if not named:
            raise
        more = "" if path.exists() else f", or make one with `nexusctl secrets keygen --to {path}`"
        hint = f"name a file in {IDENTITY_FILE} that holds your identity{more}"
        raise Unreadable(f"{error.summary}, which {IDENTITY_FILE} names", hint) from None
    return _parse_identities(text, where)


def _parse_identities(text: str, where: str) -> Identities:
    library = load_library()
    hint = "it holds lines that begin with AGE-SECRET-KEY-1, as `nexusctl secrets keygen` or `age-keygen` write them"
    try:
        if "OPENSSH PRIVATE KEY" in text:
            return [library.ssh.Identity.from_buffer(text.encode())]
        lines = [line.strip() for line in text.splitlines()]
        found = [library.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except library.IdentityError:
        raise Unreadable(f"{where} is no identity of age", hint) from None
    if not found:
        raise Unreadable(f"{where} holds no identity", hint)
    return found


def make_identity() -> tuple[str, str]:
    """A new identity as text, and its public key."""
    made = load_library().x25519.Identity.generate()
    return str(made), str(made.to_public())


def public_keys(identities: Identities) -> list[str]:
    """The public keys of those identities that tell theirs."""
    return [str(identity.to_public()) for identity in identities if hasattr(identity, "to_public")]


def check_recipient(text: str) -> None:
    """Raises `Unreadable` for what is no public key."""
    _parse_recipient(text)


def encrypt(value: bytes, recipients: Iterable[str]) -> bytes:
    """`value` for all `recipients`, public keys of age or ssh. Raises `Unreadable`."""
    library, keys = load_library(), [_parse_recipient(text) for text in recipients]
    try:
        return bytes(library.encrypt(value, keys))
    except library.EncryptError:
        raise Unreadable("there is nobody to encrypt for", "name recipients with `--recipient age1...`") from None


def decrypt(data: bytes, identities: Identities, what: str) -> bytes:
    """What `data` holds. Raises `Unreadable` where none of `identities` opens it; `what` says what it is."""
    library = load_library()
    try:
        return bytes(library.decrypt(data, list(identities)))
    except library.DecryptError as error:
        if "key" in str(error).lower():
            hint = "somebody who can read it adds you with `nexusctl secrets rekey --add KEY`"
            raise Unreadable(f"{what} is not encrypted for you", hint) from None
        raise Unreadable(f"{what} is damaged", "take the file as it was before from git") from None


def _parse_recipient(text: str) -> Any:
    library = load_library()
    kind = library.ssh if text.startswith("ssh-") else library.x25519
    try:
        return kind.Recipient.from_str(text)
    except library.RecipientError:
        hint = "write one such as `age1...` or `ssh-ed25519 ...`; `nexusctl secrets keygen` says yours"
        raise Unreadable(f"`{text}` is no public key of age or ssh", hint) from None


def load_library() -> Any:
    try:
        # An extra, which only encrypted files need.
        import pyrage  # noqa: PLC0415 - deferred: start-up time
    except ImportError:
        raise missing_extra("age", "pyrage") from None
    return pyrage
