"""Slips that the YAML parser notices only later, or calls by another name: found by looking at the lines around."""

from __future__ import annotations

import re
from collections.abc import Callable

from nexusctl.config.document.hidden_lines import SENSITIVE
from nexusctl.config.document.node import Source
from nexusctl.config.document.template_argument_lines import may_give
from nexusctl.errors import Diagnostic

_KEY = re.compile(r"""(\s*(?:- +)*)(["']?[A-Za-z_][\w.-]*["']?)\s*\Z""")
_ASSIGNMENT = re.compile(r"\s*(?:- +)*([A-Za-z_][\w.-]*)\s*=\s*\S")
_CLOSE = re.compile(r"\s*(?:- +)*([A-Za-z_][\w.-]*):[^\s/:]")
_ENTRY = re.compile(r"(\s*(?:- +)*)([A-Za-z_][\w.-]*):\s+(?![|>&!\[{])\S")
_PAIR = re.compile(r"\s*(?:- +)*[A-Za-z_][\w.-]*: +([A-Za-z_][\w-]*)\Z")
_BLOCK = re.compile(r"[:-]\s+[|>][-+0-9]*\s*\Z")
_CONFLICT = re.compile(r"(?:<{7}|={7}|>{7})(?:\s|\Z)")
_WITH_REFERENCES = re.compile(r"""[^\s,\[\]{}"'#$]*(?:\$\{[A-Za-z][\w.-]*\}[^\s,\[\]{}"'#$]*)+""")
_QUOTED = re.compile(r"""\s*(?:"[^"]*"|'[^']*')\s*\Z""")


def find_slip(source: Source, problem: str, line: int, column: int, begun: int) -> Diagnostic | None:
    """What is really wrong where the parser has a `problem` at `line` and `column`; None where it says so itself.

    `begun` is the line in which it began to read what it could not go on with.
    """
    if found := _of_other_tools(source, line):
        return found
    for words, look in _LOOKS:
        if words in problem and (found := look(source, line, column, begun)):
            return found
    return None


def _of_other_tools(source: Source, line: int) -> Diagnostic | None:
    """What git and template languages write into a file."""
    begun = next((number for number, text in enumerate(source.lines[:line], 1) if text.startswith("<<<<<<< ")), 0)
    if begun or _CONFLICT.match(_line(source, line)):
        hint = "keep one of the two versions, and remove the lines with `<<<<<<<`, `=======` and `>>>>>>>`"
        return _tell(source, "a merge conflict is not resolved here", begun or line, 1, hint)
    if _line(source, line).lstrip().startswith("{%"):
        hint = (
            "write `${var.NAME}` for a value, `replicas` or `for_each` for several, `profiles` for what may be left out"
        )
        return _tell(source, "a stack file has no template logic", line, 1, hint)
    return None


def _misplaced_key(source: Source, line: int, column: int, _: int) -> Diagnostic | None:
    before = _line(source, line)[: column - 1]
    if _KEY.match(before):
        return _before(source, line)
    if found := _PAIR.match(before):
        hint = (
            f"begin `{_named(source, found[1])}:` on a line of its own, further in; or put a text with `: ` in quotes"
        )
        return _tell(source, "two keys stand on one line", line, found.start(1) + 1, hint)
    return None


def _no_colon(source: Source, _: int, __: int, line: int) -> Diagnostic | None:
    """What is wrong with a line that the parser takes for a key."""
    text, above = _line(source, line), _line(source, line - 1)
    if _BLOCK.search(above):
        hint = "indent it further than the key of the text"
        return _tell(source, "the text that begins above has to stand further in", line, 1 + _indent(text), hint)
    if found := _ASSIGNMENT.match(text):
        return _assigned(source, line, found)
    if found := _CLOSE.match(text):
        place = found.end() - 1
        return _tell(
            source, "a space is missing behind this `:`", line, place, f"write `{_named(source, found[1])}: ...`"
        )
    if found := _KEY.match(text.partition(" #")[0]):
        place = found.start(2) + 1
        return _tell(source, "this line has a key without a `:`", line, place, f"write `{_named(source, found[2])}:`")
    return None


def _after_quotes(source: Source, line: int, column: int, _: int) -> Diagnostic | None:
    before = _line(source, line)[: column - 1].rstrip()
    if before[-1:] not in ("'", '"'):
        return None
    inside = "`''` for a `'`" if before[-1] == "'" else '`\\"` for a `"`'
    hint = f"put quotes around all of it, and write {inside} inside of them"
    return _tell(source, "the quotes end before the text does", line, len(before), hint)


def _in_brackets(source: Source, line: int, column: int, _: int) -> Diagnostic | None:
    text = _line(source, line)
    sign, before = text[column - 1 : column], text[: column - 1]
    if sign == "{" and before[-1:] == "$":
        found = next((word for word in _WITH_REFERENCES.finditer(text) if word.start() < column < word.end()), None)
        shown = f': `"{_named(source, found[0], "${var.NAME}")}"`' if found else ""
        summary = "a reference stands in braces or brackets without quotes"
        return _tell(source, summary, line, found.start() + 1 if found else column - 1, f"quote it{shown}")
    if sign in ("[", "{") and before[-1:].isalnum():
        hint = f"put a text with `{sign}` in it in quotes"
        return _tell(source, f"a `{sign}` stands in a bare text", line, column, hint)
    return None


def _no_entry(source: Source, line: int, column: int, _: int) -> Diagnostic | None:
    """What is wrong with a line that is no entry of the mapping around it."""
    text = _line(source, line)
    if _QUOTED.match(text):
        return _tell(source, "a text stands here without a key", line, column, "begin each item of a list with `- `")
    above = next((number for number in range(line - 1, 0, -1) if _says_something(_line(source, number))), 0)
    if text.lstrip().startswith("- "):
        if _line(source, above).lstrip().startswith("- "):
            hint = "begin it in the column of the `-` above"
            return _tell(source, "this item does not stand in the column of its list", line, column, hint)
        hint = "take out the `-`, or write the key of the list above it"
        return _tell(source, "an item of a list stands here among keys", line, column, hint)
    while above and _indent(_line(source, above)) > _indent(text):
        above -= 1
    if above and _BLOCK.search(_line(source, above)) and _indent(_line(source, above)) < _indent(text):
        hint = "begin it in the column of the lines above, or further in"
        return _tell(source, "this line belongs to the text above, and begins before it", line, column, hint)
    return None


_LOOKS: tuple[tuple[str, Callable[[Source, int, int, int], Diagnostic | None]], ...] = (
    ("mapping values are not allowed", _misplaced_key),
    ("could not find expected ':'", _no_colon),
    ("did not find expected", _after_quotes),
    ("did not find expected ','", _in_brackets),
    ("did not find expected key", _no_entry),
)
"""By words of the parser, who looks for what is really wrong."""


def _before(source: Source, line: int) -> Diagnostic | None:
    """What is wrong with the line before a key that cannot stand where it does."""
    above = next((number for number in range(line - 1, 0, -1) if _says_something(_line(source, number))), 0)
    if not above:
        return None
    text = _line(source, above)
    if found := _ASSIGNMENT.match(text):
        return _assigned(source, above, found)
    if found := _KEY.match(text.partition(" #")[0]):
        place = found.start(2) + 1
        return _tell(source, "this line has a key without a `:`", above, place, f"write `{_named(source, found[2])}:`")
    entry, own = _ENTRY.match(text), _KEY.match(_line(source, line).partition(":")[0])
    if entry and own and len(own[1]) > len(entry[1]):
        summary = "this key stands further in than the line above, which has its value already"
        return _tell(source, summary, line, len(own[1]) + 1, f"begin it in the column of `{_named(source, entry[2])}`")
    return None


def _assigned(source: Source, line: int, found: re.Match[str]) -> Diagnostic:
    column = found[0].index("=") + 1
    return _tell(
        source, "a key ends with a `:`, not with a `=`", line, column, f"write `{_named(source, found[1])}: ...`"
    )


def _tell(source: Source, summary: str, line: int, column: int, hint: str) -> Diagnostic:
    return Diagnostic(summary, source.location(line, column), source.excerpt(line), hint)


def _named(source: Source, key: str, instead: str = "key") -> str:
    """`key`, unless it may be a part of something sensitive that cannot be read."""
    return instead if SENSITIVE in source.text or may_give(source.text) else key


def _line(source: Source, line: int) -> str:
    return source.lines[line - 1] if 0 < line <= len(source.lines) else ""


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _says_something(text: str) -> bool:
    return bool(text.strip()) and not text.lstrip().startswith("#")
