"""Values as YAML text: what is written into a stack file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nexusctl.config.document.node import resolve
from nexusctl.config.read.yaml_parser import UNUSABLE

STEP = 2

# Everything else is quoted, so that nobody has to wonder what YAML makes of it.
_PLAIN = re.compile(r"[0-9]+(?:ms|[smhdkgt])\Z|[A-Za-z./~][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@-]+)*\Z")
_AMBIGUOUS = re.compile(r"(?:yes|no|on|off|y|n|true|false|null|~|\.inf|\.nan)\Z", re.IGNORECASE)
_ESCAPED = re.compile('[\\\\"\0-\x1f\x7f-\x9f\xa0\xad\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]')
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0", "\x1b": "\\e"}
# A tab or a blank at an end would be lost to many an editor, and YAML breaks lines at more than `\n`.
_NO_BLOCK = re.compile(
    "[^\x20-\x7e\n\xa1-\xac\xae-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]| \n| \\Z"
)


class Flow:
    """A mapping or list that is to stand on one line, and the text in it with it."""

    def __init__(self, value: Any) -> None:
        self.value = value


def is_usable(value: Any) -> bool:
    """Whether no text in `value` has a character that a stack file may not say, not even as an escape."""
    if isinstance(value, Flow):
        return is_usable(value.value)
    if isinstance(value, Mapping):
        return all(is_usable(str(key)) and is_usable(inner) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return all(map(is_usable, value))
    return not (isinstance(value, str) and UNUSABLE.search(value))


def entry(key: str, value: Any, indent: int, step: int = STEP) -> list[str]:
    """The lines of a mapping's key and value that begin in column `indent`."""
    return _under(f"{' ' * indent}{key_text(key)}:", value, indent + step, step)


def item(value: Any, indent: int, step: int = STEP) -> list[str]:
    """The lines of an item of a list whose `-` stands in column `indent`."""
    inner = indent + 2
    if stands_below(value) and not is_block_text(value):
        lines = body(value, inner, step)
        return [f"{' ' * indent}- {lines[0][inner:]}", *lines[1:]]
    if value is None:
        return [f"{' ' * indent}- null"]
    return _under(f"{' ' * indent}-", value, inner, step)


def body(value: Any, indent: int, step: int = STEP) -> list[str]:
    """The lines below a key for what does not stand beside it, from column `indent` on."""
    if isinstance(value, Mapping):
        return [line for key, inner in value.items() for line in entry(key, inner, indent, step)]
    if isinstance(value, list | tuple):
        return [line for inner in value for line in item(inner, indent, step)]
    return [f"{' ' * indent}{line}" if line else "" for line in _split(value)]


def header(value: Any) -> str:
    """What stands beside a key whose value stands below it: the sign of a block of text, or nothing."""
    if not is_block_text(value):
        return ""
    return "|" + ("-" if value[-1] != "\n" else "+" if value.endswith("\n\n") else "")


def stands_below(value: Any) -> bool:
    """Whether `value` takes lines of its own below its key."""
    return (isinstance(value, Mapping | list | tuple) and bool(value)) or is_block_text(value)


def is_block_text(value: Any) -> bool:
    """Whether `value` is a text of several lines that can be written as they are."""
    if not isinstance(value, str) or "\n" not in value or _NO_BLOCK.search(value):
        return False
    first = next((line for line in value.split("\n") if line), "")
    return bool(first) and first[0] != " "


def inline(value: Any, quote: str = "") -> str:
    """`value` on one line, as it can stand in braces too; `quote` is the sign that a text had, to be kept."""
    if isinstance(value, Flow):
        return inline(value.value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key_text(key)}: {inline(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(inline, value)) + "]"
    if isinstance(value, str):
        return word(value, quote)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else repr(value)


def key_text(text: str, quote: str = "") -> str:
    """A text as a key; unlike in a value, nobody takes `on` or `NO` there for a truth value."""
    return text if not quote and _PLAIN.match(text) and isinstance(resolve(text), str) else word(text, quote)


def word(text: str, quote: str = "") -> str:
    """A text as YAML on one line, in quotes where it is no simple word."""
    if quote == "'" and "\n" not in text and not _ESCAPED.search(text.replace('"', "").replace("\\", "")):
        return "'" + text.replace("'", "''") + "'"
    if not quote and _PLAIN.match(text) and not _AMBIGUOUS.match(text) and isinstance(resolve(text), str):
        return text
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _under(start: str, value: Any, indent: int, step: int) -> list[str]:
    if value is None:
        return [start]
    if not stands_below(value):
        return [f"{start} {inline(value)}"]
    return [f"{start} {header(value)}".rstrip(), *body(value, indent, step)]


def _split(text: str) -> list[str]:
    return (text.removesuffix("\n")).split("\n")


def _escape(found: re.Match[str]) -> str:
    sign = found[0]
    return _ESCAPES.get(sign) or (f"\\x{ord(sign):02x}" if ord(sign) < 0x100 else f"\\u{ord(sign):04x}")
