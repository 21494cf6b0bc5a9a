"""The words of an instruction: its variables, its pairs, and its exec form."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping

_VARIABLE = re.compile(
    r"\\(?P<escaped>\$)|\$(?:(?P<name>\w+)|\{(?P<braced>\w+)(?:(?P<operator>:?[-+?])(?P<operand>[^}]*))?\})"
)


class Unknown(Exception):
    """A variable that only the image knows."""


def expand(text: str, known: Mapping[str, str | None]) -> str:
    """`text` with its variables; None is one that is declared and has no value, which counts as empty.

    Raises `Unknown` with the name of one that is not declared, and with `${...}` for a form that cannot be read.
    """

    def value(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        name, operator = match["name"] or match["braced"], match["operator"] or ""
        found = known.get(name)
        absent = found is None or (operator.startswith(":") and not found)
        if operator.endswith("-"):
            return expand(match["operand"], known) if absent else found or ""
        if operator.endswith("+"):
            return "" if absent else expand(match["operand"], known)
        if name not in known:
            raise Unknown(name)
        return found or ""

    found = _VARIABLE.sub(value, text)
    if "${" in _VARIABLE.sub("", text):
        raise Unknown("{...}")
    return found


def read_words(text: str) -> list[str] | str:
    """The exec form as a list, the shell form as the text that it is."""
    if text.startswith("["):
        try:
            words = json.loads(text)
        except ValueError:
            return text
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return words
    return text


def split_words(text: str) -> list[str]:
    """The words of `text` without their quotes; where those do not close, as they are."""
    # Backslashes before a variable are looked at when that is put in.
    try:
        return shlex.split(text.replace("\\$", "\\\\$"))
    except ValueError:
        return text.split()


def read_pairs(text: str) -> Iterator[tuple[str, str, bool]]:
    """Name and value of `A=1 B="2 3"`, or of the old form `A 1`, and whether variables are put into the value."""
    if not re.match(r"\S*=", text):
        name, _, value = text.partition(" ")
        yield name, value.strip(), True
        return
    for name, value in re.findall(r"""([^\s=]+)=((?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])*)""", text, re.DOTALL):
        literal = value.startswith("'") and value.endswith("'") and value.count("'") == 2
        yield name, " ".join(split_words(value)), not literal
