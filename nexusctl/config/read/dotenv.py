"""Env files, as Docker Compose reads them: `NAME=value` lines, with quotes over several lines, escapes and comments.

No variables are replaced: a `$` in a value stays as it is.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from nexusctl.config.document.node import LINE_END, Scalar, Source
from nexusctl.config.document.paths import display, folders_of, locate
from nexusctl.config.document.problems import Problems
from nexusctl.config.read.reader import read_source
from nexusctl.errors import InputError
from nexusctl.model.trust import Trust
from nexusctl.model.values.late_regex import late_regex

# What Go calls white space; Python counts some control characters more.
_SPACES = (
    " \t\n\v\f\r\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f"
)
_SPACES += "\u205f\u3000"
_IN_LINE = " \t\v\f\r\x85\xa0"
_EXPORT = late_regex(r"export[ \t\n\f\r]+")
_NAME = late_regex(r"[\w.\-\[\]]+\Z")
_REFERS = late_regex(r"\$(?:[A-Za-z_{$])")
_ESCAPE = late_regex(r"\\(?:(?P<sign>[abfnrtv$\"\\])|(?P<octal>0\d{0,3}))", re.ASCII)
_ESCAPES = dict(zip('abfnrtv$"\\', '\a\b\f\n\r\t\v$"\\', strict=True))
_OCTAL = late_regex(r"[0-3][0-7]{2}\Z")


class Variable(NamedTuple):
    """A variable of an env file, `key` at the place of its name.

    `template` is its value where Compose puts others into it, with `$$` for a `$`.
    """

    key: Scalar
    value: Scalar
    template: str = ""


class EnvFiles:
    """Lives as long as one load: a hundred sandboxes may name the same file."""

    def __init__(self) -> None:
        self._known: dict[Path, dict[str, Scalar]] = {}

    def read(self, path: Scalar, problems: Problems) -> dict[str, Scalar]:
        """The variables in the file that `path` names, each with its place; problems carry the file's own lines."""
        found = locate(path, "env_file", problems)
        if found is None:
            return {}
        if found not in self._known:
            self._known[found] = {each.key.text: each.value for each in _read_file(found, path, problems)}
        return self._known[found]


def read_variables(path: Path, shown: str, trust: Trust) -> tuple[tuple[Variable, ...], Problems]:
    """The variables in the file `path`, none where it is not there, and what is wrong in it."""
    problems = Problems()
    if not path.is_file():
        return (), problems
    place = Scalar(Source(path, shown, "", trust=trust), 1, 1, shown, False)
    return tuple(_read_file(path, place, problems)), problems


def read_pairs(path: Path, trust: Trust) -> dict[str, str]:
    """The variables in the file `path`, none where it is not there; lines that cannot be read are passed over."""
    return {each.key.text: each.value.text for each in read_variables(path, str(path), trust)[0]}


def _read_file(found: Path, path: Scalar, problems: Problems) -> list[Variable]:
    try:
        source = read_source(
            found, display=display(path), kind="env file", within=folders_of(path), trust=path.source.trust
        )
    except InputError as error:
        problems.extend(error.diagnostics)
        return []
    return _Statements(source, problems).read()


class _Statements:
    """One walk through an env file, statement by statement."""

    def __init__(self, source: Source, problems: Problems) -> None:
        self.source = source
        self.text = source.text
        self.problems = problems
        self.at = 0
        self.line, self.begin = 1, 0

    def read(self) -> list[Variable]:
        found = []
        while self.find_statement():
            if variable := self.take_statement():
                found.append(variable)
        return found

    def find_statement(self) -> bool:
        """Go to the next statement, over white space and lines of comment; False where there is none."""
        while True:
            self.at = _skip(self.text, self.at, _SPACES)
            if self.text[self.at : self.at + 1] != "#":
                return self.at < len(self.text)
            self.at = self.line_end(self.at)

    def take_statement(self) -> Variable | None:
        start = self.at
        exported = _EXPORT.match(self.text, start)
        if exported and "\n" not in exported[0]:
            self.at = exported.end()
        begin, end = self.at, self.line_end(self.at)
        sign = next((at for at in range(begin, end) if self.text[at] in "=:"), None)
        name = self.text[begin : end if sign is None else sign].strip(_SPACES)
        if not self.is_name(name, start, begin, sign):
            self.at = end
            return None
        if sign is None:
            self.at = end
            return self.take_outer(name, begin)
        key = self.place(begin, name)
        self.at = _skip(self.text, sign + 1, _IN_LINE)
        place = self.place(self.at)
        if self.text[self.at : self.at + 1] in ("'", '"'):
            value, template = self.take_quoted(place)
        else:
            value = template = self.text[self.at : end].partition(" #")[0].rstrip(_SPACES)
            self.at = end
        if value is None:
            return None
        place.text = place.value = value
        return Variable(key, place, template if _REFERS.search(template) else "")

    def is_name(self, name: str, start: int, begin: int, sign: int | None) -> bool:
        if _NAME.match(name):
            return True
        place = self.place(begin if name else start)
        if sign is None or not name:
            hint = "write `KEY=` for an empty value, `#` before a comment"
            self.problems.add(self.place(start), "this line is not `KEY=VALUE`", hint)
            return False
        # It may be a piece of something that is encoded.
        summary = f"what stands before this `{self.text[sign]}` cannot be the name of a variable"
        self.problems.add(place, summary, "use letters, digits, `_`, `.` and `-`")
        return False

    def take_outer(self, name: str, begin: int) -> Variable | None:
        """What the environment of the caller has for a name without a value; nothing where it has none."""
        trust = self.source.trust
        if not trust.allows_env(name):
            summary = "a name without a value stands here, and a stranger's files cannot read the environment"
            self.problems.add(self.place(begin), summary, f"`--allow-env NAME` lets them; {trust.hint}")
            return None
        text = os.environ.get(name)
        if text is None:
            return None
        if re.search("[\0\ud800-\udfff]", text):
            summary = "the environment's value for this name is not UTF-8"
            self.problems.add(self.place(begin), summary, "set it to a text")
            return None
        return Variable(self.place(begin, name), self.place(begin, text))

    def take_quoted(self, place: Scalar) -> tuple[str | None, str]:
        """The text in quotes, None where they never end, and how Compose reads it where it says `$`."""
        quote, text = self.text[self.at], self.text
        end = self.at + 1
        while end < len(text) and text[end] != quote:
            end += 2 if text[end] == "\\" else 1
        if end >= len(text):
            hint = "close it where the value ends; put a quote of its own in other quotes, or write `\\` before it"
            self.problems.add(place, "this quote is never closed", hint)
            self.at = self.line_end(self.at)
            return None, ""
        raw, self.at = text[self.at + 1 : end], end + 1
        if quote == "'":
            return _unescape_single(raw), ""
        refers = _REFERS.search(_ESCAPE.sub("", raw))
        return _ESCAPE.sub(_escaped, raw), _ESCAPE.sub(_kept, raw) if refers else ""

    def line_end(self, at: int) -> int:
        end = self.text.find("\n", at)
        return len(self.text) if end < 0 else end

    def place(self, at: int, text: str = "") -> Scalar:
        """`text` at the place of the index `at`, which is none before the last one that was asked for."""
        for found in LINE_END.finditer(self.text, self.begin, at):
            self.line, self.begin = self.line + 1, found.end()
        return Scalar(self.source, self.line, at - self.begin + 1, text, False)


def _skip(text: str, at: int, signs: str) -> int:
    while at < len(text) and text[at] in signs:
        at += 1
    return at


def _unescape_single(raw: str) -> str:
    """In single quotes only a quote is escaped."""
    return re.sub(r"\\(.)", lambda found: "'" if found[1] == "'" else found[0], raw, flags=re.DOTALL)


def _escaped(found: re.Match[str]) -> str:
    if found["sign"]:
        return _ESCAPES[found["sign"]]
    digits = found["octal"][1:]
    return chr(int(digits, 8)) if _OCTAL.match(digits) else f"\\{digits}"


def _kept(found: re.Match[str]) -> str:
    return "$$" if found["sign"] == "$" else _escaped(found)
