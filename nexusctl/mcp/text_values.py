"""What agents write, as values that a stack file takes literally; only references to secrets mean something. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nexusctl.errors import Diagnostic, InputError

_SECRET = re.compile(r"\$\{(?:secret\.|VAULT_SECRET:|ENCRYPTED:)[A-Za-z0-9_.-]{1,100}\}")
_NUMBER = re.compile(r"-?[0-9]+")
_NUL = "\0"


def literal(text: str) -> str:
    """`text` so that no reference in it is looked up."""
    return text.replace("${", "$${")


def with_secrets(text: str) -> str:
    """The same, but references to secrets stay what they are."""
    parts = _SECRET.split(text)
    found = _SECRET.findall(text)
    return "".join(literal(part) + (found[number] if number < len(found) else "") for number, part in enumerate(parts))


def secrets_in(text: str) -> list[str]:
    """The names of the secrets that `text` refers to."""
    return [found.strip("${}").removeprefix("secret.").rpartition(":")[2] for found in _SECRET.findall(text)]


def texts(values: Mapping[str, Any], where: str) -> dict[str, str]:
    """Values of env vars as texts of a stack file.

    Raises `InputError` for what no process can have as one, and for a PORT that is a number and no port.
    """
    found = {name: with_secrets(as_text(value)) for name, value in values.items()}
    for name, text in found.items():
        if _NUL in text:
            raise InputError(Diagnostic(f"`{where}.{name}` has a NUL character in it", hint="leave it out"))
    if is_no_port(port := found.get("PORT", "")):
        raise InputError(Diagnostic(f"`{where}.PORT` is {port[:20]}, which is no port", hint="give one of 1 to 65535"))
    return found


def is_no_port(text: str) -> bool:
    """Whether it is a whole number that no port has; any other text may mean something to who reads it."""
    return bool(_NUMBER.fullmatch(text)) and not (len(text) < 6 and 0 < int(text) < 65536)


def as_text(value: Any) -> str:
    """A JSON scalar as people write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def reference(text: str, where: str) -> str:
    """`text` if it is nothing but a reference to a secret. Raises `InputError`, which does not show it, for a key."""
    if _SECRET.fullmatch(text):
        return text
    hint = "a person declares it under `secrets` of the stack file; write `${secret.NAME}`, or `${ENCRYPTED:NAME}`"
    raise InputError(Diagnostic(f"`{where}` has to be a reference to a secret, not the key itself", hint=hint))
