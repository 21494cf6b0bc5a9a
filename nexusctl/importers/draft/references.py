"""What the references of a text come to."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from nexusctl.config.document.expression import OPENING, Expression, Part, parse
from nexusctl.model.trust import Trust

_NOTHING: Mapping[str, str] = MappingProxyType({})


def settle(parts: Sequence[Part], environment: Mapping[str, str] = _NOTHING) -> str:
    """The text of `parts` in `environment`, with defaults for what is not set there."""
    return "".join(_settle(part, environment) for part in parts)


def _settle(part: Part, environment: Mapping[str, str]) -> str:
    if not isinstance(part, Expression):
        return part if isinstance(part, str) else ""
    known = environment.get(".".join(part.words))
    there = known is not None and (known != "" or not part.operator.startswith(":"))
    if part.operator.endswith("+"):
        return settle(part.operand, environment) if there else ""
    return (known or "") if there else settle(part.operand, environment) if part.operator.endswith("-") else ""


def settle_here(text: str, trust: Trust) -> str:
    """`text` with the variables that this machine has, as far as `trust` lets it."""
    return settle(parse(text), trust.environment(os.environ)) if OPENING in text else text


def is_elsewhere(path: str, origin: Path, target: Path, trust: Trust) -> bool:
    """Whether `path` counts from `origin` and would mean another place in a file in `target`."""
    return not settle_here(path, trust).startswith(("/", "~")) and origin.resolve() != target.resolve()
