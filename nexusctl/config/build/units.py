"""Texts that stand for quantities; the schema has made sure of their form."""

from __future__ import annotations

import re

from nexusctl.config.document.node import Scalar
from nexusctl.model.values.duration import parse_seconds

_POWERS = {"b": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def seconds(node: Scalar) -> float:
    """A number of seconds, or a text such as `1h30m`."""
    if not isinstance(node.value, str):
        return float(node.value)
    return parse_seconds(node.text)


def size(node: Scalar) -> int:
    """Bytes from a number or a text such as `512m`; k, m, g and t are powers of 1024, as Docker reads them."""
    return parse_size(node.text) if isinstance(node.value, str) else int(node.value)


def parse_size(text: str) -> int:
    """Bytes from a text such as `512m`. Raises `ValueError` for any other text."""
    number = text.rstrip("bBiIkKmMgGtT ")
    unit = text[len(number) :].strip().lower()
    return int(float(number) * 1024 ** _POWERS[unit[:1] or "b"])


def mode(node: Scalar) -> int | None:
    """Permission bits, always read as octal: `755`, `0755` and `0o755` are one; None where it is none of these."""
    digits = node.text.removeprefix("0o")
    if not re.fullmatch(r"0?[0-7]{3,4}", digits):
        return None
    return int(digits, 8)
