"""Values as YAML text that any YAML reader reads as the same values, and nexusctl with the same figures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from nexusctl.model.values.raw_scalar import Bare

# What no reader, of YAML 1.1 or 1.2, takes for anything but a text; the words are those of YAML 1.1.
_PLAIN = re.compile(r"[A-Za-z_./$][\w./@+$-]*(?: [\w./@+$(][\w./@+$()-]*)*\Z", re.ASCII)
_WORDS = re.compile(r"(?:y|n|yes|no|on|off|true|false|null|\.inf|\.nan)\Z", re.IGNORECASE)
_FIGURES = re.compile(r"\.?[0-9]")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_BLOCK = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]+\Z")


def render_yaml(value: Any) -> str:
    """Mappings, lists, texts, `Bare` and None as text that ends with a line end; mappings and lists in block style."""
    return "".join(f"{line}\n" for line in _lines(value, 0))


def _lines(value: Any, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _entry(f"{pad}{_scalar(key)}:", item, depth)
    elif isinstance(value, list) and value:
        for item in value:
            yield from _item(pad, item, depth)
    else:
        yield f"{pad}{_scalar(value)}"


def _entry(head: str, value: Any, depth: int) -> Iterator[str]:
    if value is None:
        yield head
    elif isinstance(value, dict | list) and value:
        yield head
        yield from _lines(value, depth + 1)
    elif _is_block(value):
        yield f"{head} |{_chomping(value)}"
        yield from (("  " * (depth + 1) + line if line else "") for line in _split(value))
    else:
        yield f"{head} {_scalar(value)}"


def _item(pad: str, value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        first, *rest = _lines(value, depth + 1)
        yield f"{pad}- {first[len(pad) + 2 :]}"
        yield from rest
    else:
        yield from _entry(f"{pad}-", value if value is not None else Bare("null"), depth)


def _is_block(value: Any) -> bool:
    """Whether a text of several lines can stand as a literal block, which is how people read it best."""
    return (
        isinstance(value, str)
        and "\n" in value.rstrip("\n")
        and not value.startswith((" ", "\n"))
        and not value.endswith("\n\n")
        and bool(_BLOCK.match(value))
    )


def _chomping(text: str) -> str:
    return "" if text.endswith("\n") else "-"


def _split(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n")


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, Bare):
        return value.text
    if isinstance(value, dict | list):
        return "{}" if isinstance(value, dict) else "[]"
    if _PLAIN.match(value) and not _WORDS.match(value) and not _FIGURES.match(value):
        return str(value)
    quoted = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", quoted)
