"""Values that env files give: used as any others, and neither shown nor recorded, for some are secret.

A container has its variables anyway, so what its record keeps of such a value is read there again.
"""

from __future__ import annotations

from collections.abc import Mapping

from nexusctl.model.secret import SecretText, SecretUse, Text

SHOWN = "(read from the env file)"
SHOWN_CHANGED = "(read from the env file, changed)"

_PREFIX = "env_file."
"""No secret of a stack has a dot in its name, and none but these is without a digest in a record."""


class EnvFileText(str):
    """One of these values."""

    __slots__ = ()


def withhold_values(env: Mapping[str, Text]) -> Mapping[str, Text]:
    """`env` as a record keeps it: no more than the name of what an env file gave."""
    if not any(isinstance(text, EnvFileText) for text in env.values()):
        return env
    return {key: _withheld(key) if isinstance(text, EnvFileText) else text for key, text in env.items()}


def is_withheld(text: Text | None) -> bool:
    """Whether a record keeps the value for itself, so that only the container knows it."""
    if not isinstance(text, SecretText) or len(text.parts) != 1:
        return False
    use = text.parts[0]
    return isinstance(use, SecretUse) and not use.digest and use.secret.startswith(_PREFIX)


def put_back(env: Mapping[str, Text], values: Mapping[str, str]) -> Mapping[str, Text]:
    """`env` of a record with what the container has for the values that are withheld in it."""
    return {key: EnvFileText(values[key]) if key in values and is_withheld(text) else text for key, text in env.items()}


def _withheld(key: str) -> SecretText:
    return SecretText(parts=(SecretUse(secret=f"{_PREFIX}{key}"),))
