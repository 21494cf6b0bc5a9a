"""Names that a stack file takes, made from names that others take."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 40


def fit_name(text: str, default: str = "imported") -> str:
    """`text` as the name of a stack, sandbox, volume or network: lower-case letters, digits and dashes."""
    fitted = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:LONGEST].strip("-")
    return fitted or default


def fit_names(names: Iterable[str]) -> dict[str, str]:
    """A fitting name for each of `names`; those that would meet are numbered."""
    fitted: dict[str, str] = {}
    for name in names:
        base = candidate = fit_name(name)
        number = 2
        while candidate in fitted.values():
            candidate = f"{base[: LONGEST - 3]}-{number}"
            number += 1
        fitted[name] = candidate
    return fitted
