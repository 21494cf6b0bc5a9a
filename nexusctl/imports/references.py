"""What the references of a text come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from nexusctl.config.expression import Expression, Part

_NOTHING: Mapping[str, str] = MappingProxyType({})


def settle(parts: Sequence[Part], environment: Mapping[str, str] = _NOTHING) -> str:
    """The text of `parts` in `environment`, with defaults for what is not set there."""
    return "".join(_settle(part, environment) for part in parts)


def _settle(part: Part, environment: Mapping[str, str]) -> str:
    if not isinstance(part, Expression):
        return part if isinstance(part, str) else ""
    known = environment.get(".".join(part.words))
    return known or (settle(part.operand, environment) if part.operator == ":-" else "")
