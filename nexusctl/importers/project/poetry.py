"""The dependencies of a project that Poetry keeps, in the words of pip."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_VERSION = re.compile(r"([~^=]?=?)\s*([0-9]+(?:\.[0-9]+)*)\Z")


def poetry_packages(told: dict[str, Any]) -> Iterator[str]:
    """What `[tool.poetry.dependencies]` names, besides Python itself and what is optional."""
    for name, wanted in told.items():
        if name == "python":
            continue
        if not isinstance(wanted, dict):
            yield name + _range(str(wanted))
        elif not wanted.get("optional"):
            extras = ",".join(map(str, wanted.get("extras", ())))
            source = next((f" @ {wanted[key]}" for key in ("git", "path", "url") if key in wanted), "")
            yield name + (f"[{extras}]" if extras else "") + (source or _range(str(wanted.get("version", "*"))))


def _range(version: str) -> str:
    """`^1.2` as `>=1.2,<2`, `~1.2` as `>=1.2,<1.3`, `1.2` as `==1.2`, `*` as nothing."""
    text = re.sub(r"\s+", "", version)
    match = _VERSION.match(text)
    if not match:
        return "" if text == "*" else text
    sign, number = match.groups()
    if sign not in ("^", "~"):
        return f"=={number}"
    parts = [int(part) for part in number.split(".")]
    last = _fixed(parts) if sign == "^" else min(1, len(parts) - 1)
    above = [*parts[:last], parts[last] + 1]
    return f">={number},<{'.'.join(map(str, above))}"


def _fixed(parts: list[int]) -> int:
    """Where the first part stands that is not 0, which `^` lets nothing change."""
    return next((index for index, part in enumerate(parts) if part), len(parts) - 1)
