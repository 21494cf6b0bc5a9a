"""Forty values that nobody could mistake for anything else, and a nose for them in whatever form."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

KINDS = ("pin", "plain", "dollars", "lines", "unicode", "quotes", "spaces", "long")
COUNT = 40


@dataclass(frozen=True)
class Canary:
    """`mark` is the part of `value` that is looked for."""

    name: str
    kind: str
    mark: str
    value: str


def hatch(generation: int) -> list[Canary]:
    """Forty canaries; those of another generation have other values."""
    return [_hatch(number, generation) for number in range(COUNT)]


def _hatch(number: int, generation: int) -> Canary:
    kind = KINDS[number % len(KINDS)]
    # No two begin alike, and none is a number that a clock or a counter would come to.
    token = f"Qz{generation}{number:02d}xKw7Vb"
    mark = {"pin": f"9{generation}{number:02d}7", "unicode": f"{token}üñ→"}.get(kind, token)
    value = {
        "dollars": f"${{HOME}}-$PATH-$${mark}",
        "lines": f"first\n{mark}\nlast\n\n",
        "quotes": f"\"{mark}' \\ `id` <&>",
        "spaces": f"  {mark}\t= a:b #c ",
        "long": f"{mark} " * (65536 // (len(mark) + 1)),
    }.get(kind, mark)
    return Canary(f"s{number:02d}", kind, mark, value)


class Nose:
    """Finds the marks of canaries as they are and encoded: base64, hex, percent, JSON."""

    def __init__(self, canaries: list[Canary]) -> None:
        self._patterns: Mapping[bytes, str] = {
            form: f"{canary.name} ({canary.kind}) {how}" for canary in canaries for how, form in _forms(canary)
        }
        longest_first = sorted(self._patterns, key=len, reverse=True)
        self._search = re.compile(b"|".join(map(re.escape, longest_first)))

    def find(self, text: bytes) -> list[str]:
        """What is in `text`, a phrase each. A PIN counts only where it is not part of a longer number or name."""
        found = ((self._patterns[hit[0]], hit) for hit in self._search.finditer(text))
        return [phrase for phrase, hit in found if not (phrase.endswith("(pin) raw") and _inside(text, hit))]


def _forms(canary: Canary) -> Iterator[tuple[str, bytes]]:
    raw = canary.mark.encode()
    yield "raw", raw
    yield "hex", raw.hex().encode()
    if canary.kind == "pin":
        # In base64 four characters are left of it, which any long random text has by chance.
        return
    yield "HEX", raw.hex().upper().encode()
    yield "percent", quote(canary.mark).encode()
    yield "json", json.dumps(canary.mark)[1:-1].encode()
    for shift in range(3):
        # The characters at the ends depend on what stands beside it.
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * shift + raw)
            yield f"base64+{shift}", text[(0, 2, 3)[shift] : len(text) - 4]


def _inside(text: bytes, hit: re.Match[bytes]) -> bool:
    beside = text[max(0, hit.start() - 1) : hit.start()] + text[hit.end() : hit.end() + 1]
    return any(chr(byte).isalnum() or chr(byte) in "._" for byte in beside)
