"""Lines of a stack file that may hold what a sandbox gives to its template, as far as its text alone can tell.

Only a template says which of its parameters are sensitive. Where it was not read, or the file itself cannot be, any of
these lines may hold a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nexusctl.config.node import Source
from nexusctl.config.schema import STACK, resolve

# `with`, and what a slip of the finger makes of it.
_GIVEN = re.compile(r"""(?:\A|[\s{,])\+?["']?w[ith]{2,4}s?["']?[ \t]*:(?=[\s{\["'&*]|\Z)""")
_KEY = re.compile(r"""[ \t]*["']?([A-Za-z_]\w*)["']?[ \t]*:(?=\s|\Z)""")


def may_give(text: str) -> bool:
    """Whether a file with this text may give something to a template."""
    return _GIVEN.search(text) is not None


def find_given(source: Source) -> set[int]:
    """The numbers of these lines; rather too many than too few, as what cannot be read may mean anything."""
    return set(_find(source.lines)) if may_give(source.text) else set()


def _find(lines: list[str]) -> Iterator[int]:
    keys = resolve(f"{STACK}#/$defs/sandbox")["properties"].keys() - {"with"}
    in_braces = next((line for line in lines if line.strip(" \t-")), "").lstrip()[:1] == "{"
    begun: _Begun | None = None
    for number, line in enumerate(lines, 1):
        if begun and (in_braces or begun.goes_on(line, keys)):
            yield number
        elif match := _GIVEN.search(line):
            begun = _Begun(line, match.start())
            yield number
        else:
            begun = None


class _Begun:
    """A `with` whose value may go on in the lines after it."""

    def __init__(self, line: str, at: int) -> None:
        self._indent = _indent(line)
        self._is_first = not line[:at].strip(" \t-")
        self._open = _count_open(line[at:])

    def goes_on(self, line: str, keys: set[str]) -> bool:
        """Whether `line` may belong to it; at the same depth it does where it is no other key of a sandbox."""
        if not line.strip() or _indent(line) > self._indent:
            self._open += _count_open(line)
            return True
        if _indent(line) < self._indent:
            return False
        key = _KEY.match(line)
        again = (self._is_first and not (key and key[1] in keys)) or self._open > 0
        self._open += _count_open(line)
        return again


def _indent(line: str) -> int:
    return len(line.expandtabs()) - len(line.expandtabs().lstrip(" "))


def _count_open(text: str) -> int:
    return sum(text.count(sign) for sign in "{[") - sum(text.count(sign) for sign in "}]")
