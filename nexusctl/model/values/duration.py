"""Texts that stand for spans of time."""

from __future__ import annotations

import re

from nexusctl.model.values.late_regex import late_regex

_DURATION = late_regex(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_seconds(text: str) -> float:
    """Seconds from a text such as `90`, `500ms` or `1h30m`. Raises `ValueError` for any other text."""
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return float(text)
    if not text or _DURATION.sub("", text):
        raise ValueError(f"{text!r} is not a duration")
    return round(sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text)), 3)
