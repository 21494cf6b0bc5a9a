"""Values of variables without quotes, which Compose reads by YAML 1.1 and hands on as Go writes them.

`0755` is 493 to it, `0.50` is 0.5, and a day is a moment (https://pkg.go.dev/gopkg.in/yaml.v3, `resolve.go`).
"""

from __future__ import annotations

import re
from decimal import Decimal

_INTEGER = re.compile(r"(?P<sign>[-+]?)(?P<digits>0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[0-9][0-9_]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_DAY = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})\Z")
_TRUTH = re.compile(r"true|True|TRUE|false|False|FALSE")
_GREATEST = 2**64
_FIRST_EXPONENT = 6
"""Powers of ten from which on Go writes a number with an exponent; below `1e-4` it does so, too."""


def write_plain(text: str) -> str:
    """What a container gets for the plain scalar `text`."""
    if _TRUTH.fullmatch(text):
        return text.lower()
    if day := _DAY.match(text):
        return f"{day['year']}-{day['month']:0>2}-{day['day']:0>2} 00:00:00 +0000 UTC"
    number = _read_integer(text)
    if number is not None:
        return str(number)
    return _write_float(float(text)) if _FLOAT.match(text) else text


def _read_integer(text: str) -> int | None:
    match = _INTEGER.match(text)
    if not match:
        return None
    digits = match["digits"].replace("_", "").lower()
    octal = re.fullmatch(r"0[0-7]+", digits)
    if not octal and re.fullmatch(r"0[0-9]+", digits):
        # Go takes it for no integer, and then for a decimal fraction without one.
        return None
    number = int(f"{match['sign']}{digits}", 8 if octal else 0)
    return number if abs(number) < _GREATEST else None


def _write_float(number: float) -> str:
    decimal = Decimal(repr(number)).normalize()
    exponent = decimal.adjusted()
    if not number or -4 <= exponent < _FIRST_EXPONENT:
        return format(decimal, "f")
    sign, digits, _ = decimal.as_tuple()
    fraction = "".join(map(str, digits[1:]))
    return f"{'-' * sign}{digits[0]}{f'.{fraction}' if fraction else ''}e{exponent:+03d}"
