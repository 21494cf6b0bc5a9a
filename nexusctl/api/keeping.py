"""Keeping secrets in the repository, encrypted: adding, editing, listing them, and for whom they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from nexusctl.config.export.atomic_write import alone_with, replace_file
from nexusctl.errors import Diagnostic, InputError
from nexusctl.secrets.age_key import (
    USUAL_FILE,
    check_recipient,
    decrypt,
    encrypt,
    make_identity,
    public_keys,
    read_identities,
)
from nexusctl.secrets.base import Unreadable
from nexusctl.secrets.edit import edit_value
from nexusctl.secrets.file import read_file
from nexusctl.secrets.safe import Safe, read_safe, write_safe


def encrypt_secret(path: Path, name: str, value: bytes, recipients: tuple[str, ...]) -> Safe:
    """Put `value` into the safe at `path`, which is made for `recipients`, or for oneself, where there is none.

    Raises `InputError`. What is there already needs no identity to be kept.
    """
    with _told(), _alone_with(path):
        if not value.rstrip(b"\r\n"):
            raise Unreadable("the value is empty", f"pipe one in; nothing was changed in `{path}`")
        safe = _open(path, recipients)
        return _write(path, replace(safe, values={**safe.values, name: encrypt(value, safe.recipients)}))


def edit_secret(path: Path, name: str) -> bool:
    """Let the user edit the secret `name`, which may be new; whether it changed. Raises `InputError`."""
    with _told():
        safe = _open(path, ())
        before = decrypt(safe.values[name], read_identities(), f"`{name}`") if name in safe.values else b""
        after = edit_value(name, before)
        if not after.rstrip(b"\r\n"):
            raise Unreadable("the value is empty", "nothing was changed")
        if after == before:
            return False
        with _alone_with(path):
            now = _open(path, ())
            if now.values.get(name) != safe.values.get(name):
                raise Unreadable(f"somebody else changed `{name}` meanwhile", "nothing was changed; edit it again")
            _write(path, replace(now, values={**now.values, name: encrypt(after, now.recipients)}))
        return True


def list_secrets(path: Path) -> Safe:
    """What the safe at `path` holds; nothing is decrypted. Raises `InputError`."""
    with _told():
        return _open_present(path)


def rekey(path: Path, add: tuple[str, ...], remove: tuple[str, ...]) -> Safe:
    """Encrypt everything anew, for the recipients that there are then. Raises `InputError`."""
    with _told(), _alone_with(path):
        safe = _open_present(path)
        for key in add:
            check_recipient(key)
        if unknown := [key for key in remove if key not in safe.recipients]:
            known = ", ".join(safe.recipients)
            raise Unreadable(f"`{unknown[0]}` is not among the recipients", f"they are: {known}")
        keys = tuple(dict.fromkeys(key for key in (*safe.recipients, *add) if key not in remove))
        if not keys:
            raise Unreadable("nobody would be left who can read them", "let somebody else in with `--add KEY`")
        identities = read_identities()
        values = {name: decrypt(data, identities, f"`{name}`") for name, data in safe.values.items()}
        return _write(path, Safe(recipients=keys, values={n: encrypt(value, keys) for n, value in values.items()}))


def keygen(path: Path | None) -> tuple[Path, str]:
    """Make an identity for oneself in a file that nobody else reads; where that is, and its public key."""
    with _told():
        file = (path or Path(USUAL_FILE)).expanduser()
        identity, key = make_identity()
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.touch(mode=0o600, exist_ok=False)
            file.write_text(f"# public key: {key}\n{identity}\n", encoding="utf-8")
        except FileExistsError:
            hint = "it is kept: what is encrypted for it could not be read any more; name another file with `--to`"
            raise Unreadable(f"`{file}` is there already", hint) from None
        except OSError as error:
            raise Unreadable(f"`{file}` cannot be written: {error.strerror}", "check its permissions") from None
        return file, key


def _open_present(path: Path) -> Safe:
    if not path.exists():
        hint = "`nexusctl secrets encrypt NAME` begins one; `--file` names another"
        raise Unreadable(f"there is no file `{path}`", hint)
    return read_safe(read_file(path), str(path))


def _open(path: Path, recipients: tuple[str, ...]) -> Safe:
    if path.exists():
        safe = read_safe(read_file(path), str(path))
        strange = [key for key in recipients if key not in safe.recipients]
        if strange and safe.recipients:
            hint = f"`nexusctl secrets rekey --add '{strange[0]}'` lets them read everything in it"
            raise Unreadable(f"`{path}` is not for `{strange[0]}`", hint)
        if safe.recipients:
            return safe
    for key in recipients:
        check_recipient(key)
    return Safe(recipients=recipients or tuple(public_keys(read_identities())))


def _write(path: Path, safe: Safe) -> Safe:
    """At once or not at all, as somebody may read it meanwhile."""
    try:
        replace_file(path, write_safe(safe))
    except OSError as error:
        raise Unreadable(f"`{path}` cannot be written: {error.strerror}", "check its permissions") from None
    return safe


@contextmanager
def _alone_with(path: Path) -> Iterator[None]:
    """Whoever reads the safe, changes it and writes it loses nothing of what others put in meanwhile."""
    try:
        with alone_with(path):
            yield
    except OSError as error:
        raise Unreadable(f"`{path}` cannot be written: {error.strerror}", "check its folder") from None


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except Unreadable as error:
        raise InputError(Diagnostic(error.summary, hint=error.hint)) from None
