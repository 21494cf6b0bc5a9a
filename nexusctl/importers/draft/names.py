"""Names that a stack file takes, made from names that others take."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

LONGEST = 40


def fit_name(text: str, default: str = "imported") -> str:
    """`text` as the name of a stack, sandbox or network: lower-case letters, digits and dashes."""
    fitted = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:LONGEST].strip("-")
    return fitted or default


def fit_volume_name(text: str) -> str:
    """The same for a volume, which may have underscores, too."""
    fitted = re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-_")[:LONGEST].strip("-_")
    return fitted or "imported"


def fit_names(names: Iterable[str], fit: Callable[[str], str] = fit_name) -> dict[str, str]:
    """A fitting name for each of `names`; those that would meet are numbered."""
    fitted: dict[str, str] = {}
    for name in names:
        base = candidate = fit(name)
        number = 2
        while candidate in fitted.values():
            candidate = f"{base[: LONGEST - 3]}-{number}"
            number += 1
        fitted[name] = candidate
    return fitted
