"""A command that a Compose file writes as one text: Compose puts variables in, splits it, and gives it to no shell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nexusctl.config.document.expression import Expression, Part, escape, parse
from nexusctl.importers.compose.texts.written import write_parts
from nexusctl.importers.draft.references import settle

_FIRST = 0xE000
_SPACES = " \t\r\n"
_OPERATORS = ";&|<>"


class Words(NamedTuple):
    """`words` as a stack file writes them; `fixed` is True where the variables had to be put in for good.

    `cut` is what Compose leaves out: all from the first sign of a shell on.
    """

    words: list[str]
    fixed: bool
    cut: str


def split(text: str, environment: Mapping[str, str]) -> Words:
    """The words of `text`, whose variables are references, in `environment`.

    Raises `ValueError` where quotes or brackets do not close.
    """
    parts = parse(text)
    now, cut = _Splitter(settle(parts, environment)).split()
    marked = "".join(part if isinstance(part, str) else chr(_FIRST + number) for number, part in enumerate(parts))
    try:
        apart, left = _Splitter(marked).split()
    except ValueError:
        return Words([escape(word) for word in now], True, cut)
    settled = [settle(_find(word, parts), environment) for word in apart]
    if settled == now and settle(_find(left, parts), environment) == cut:
        return Words([write_parts(_find(word, parts)) for word in apart], False, cut)
    return Words([escape(word) for word in now], True, cut)


class _Splitter:
    """Goes through a text once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words: list[str] = []
        self.word = ""
        self.begun = False
        self.quote = ""
        # A backtick or `$(`, in which quotes count too.
        self.inside = ""

    def split(self) -> tuple[list[str], str]:
        """The words, and what stands from the first sign of a shell on."""
        escaped = False
        for at, sign in enumerate(self.text):
            if escaped:
                escaped = False
                self.add(sign)
            elif sign == "\\" and self.quote != "'":
                escaped = True
            elif sign in _OPERATORS and not self.quote and not self.inside:
                if sign == ">" and self.word[:1].isdecimal():
                    # The number of what is redirected.
                    self.begun = False
                self.end()
                return self.words, self.text[at:]
            else:
                self.take(sign)
        if escaped or self.quote or self.inside:
            raise ValueError
        self.end()
        return self.words, ""

    def take(self, sign: str) -> None:
        if sign in _SPACES:
            self.add(sign) if self.quote or self.inside else self.end()
        elif sign in ("'", '"') and self.quote in ("", sign) and self.inside != "(":
            self.begun = self.begun or bool(self.quote)
            self.quote = "" if self.quote else sign
        elif sign == "`" and not self.quote and self.inside != "(":
            self.inside = "" if self.inside else sign
            self.add(sign)
        elif sign in "()" and not self.quote and self.inside != "`":
            self.bracket(sign)
        else:
            self.add(sign)

    def bracket(self, sign: str) -> None:
        """Only `$(...)` may stand outside of quotes."""
        opens = sign == "(" and not self.inside and self.word.endswith("$")
        if not opens and not (sign == ")" and self.inside):
            raise ValueError
        self.inside = "(" if opens else ""
        self.add(sign)

    def add(self, sign: str) -> None:
        self.word += sign
        self.begun = True

    def end(self) -> None:
        if self.begun:
            self.words.append(self.word)
        self.word, self.begun = "", False


def _find(word: str, parts: Sequence[Part]) -> list[Part]:
    """The texts and references that `word` was made of."""
    found: list[Part] = []
    for sign in word:
        part = parts[ord(sign) - _FIRST] if 0 <= ord(sign) - _FIRST < len(parts) else sign
        if isinstance(part, Expression):
            found.append(part)
        elif found and isinstance(found[-1], str):
            found[-1] += sign
        else:
            found.append(sign)
    return found
