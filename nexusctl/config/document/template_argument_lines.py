"""Lines of a stack file that may hold what a sandbox gives to its template, as far as its text alone can tell.

Only a template says which of its parameters are sensitive. Where it was not read, or the file itself cannot be, any of
these lines may hold a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nexusctl.config.document.node import Source
from nexusctl.config.schema.files import STACK, resolve

# `with` and `for_each`, which it may refer to, and what a slip of the finger makes of them.
_WITH, _EACH = "w[ith]{2,4}s?", "for[_ -]?[each]{2,6}"
_SLOT = r"""(?:\A|[\s{{,])\+?["']?{}["']?[ \t]*:(?=[\s{{\["'&*]|\Z)"""
_GIVING = re.compile(_SLOT.format(_WITH))
_GIVEN = re.compile(_SLOT.format(f"(?:{_WITH}|{_EACH})"))
_KEY = re.compile(r"""[ \t]*["']?([A-Za-z_]\w*)["']?[ \t]*:(?=\s|\Z)""")


def may_give(text: str) -> bool:
    """Whether a file with this text may give something to a template."""
    return _GIVING.search(text) is not None


def find_given(source: Source) -> dict[int, int]:
    """How many characters of these lines come before anything that is given, by their numbers.

    Rather too many lines than too few, as what cannot be read may mean anything. Those that `source` has cleared are
    left out, unless two share them.
    """
    found = _find(source.lines) if may_give(source.text) else ()
    return {number: before for number, before, shared in found if shared or number not in source.cleared}


def _find(lines: list[str]) -> Iterator[tuple[int, int, bool]]:
    """The number of each such line, where what is given begins in it, and whether that is something more than once."""
    keys = resolve(f"{STACK}#/$defs/sandbox")["properties"].keys()
    in_braces = next((line for line in lines if line.strip(" \t-")), "").lstrip()[:1] == "{"
    begun: _Begun | None = None
    for number, line in enumerate(lines, 1):
        matches = list(_GIVEN.finditer(line))
        if begun and (in_braces or begun.goes_on(line, keys)):
            yield number, 0, bool(matches)
        elif matches:
            begun = _Begun(line, matches[0].start())
            yield number, matches[0].end(), len(matches) > 1
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
