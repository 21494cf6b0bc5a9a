"""Files of KEY=VALUE lines, as shells and other tools read them; no variables are replaced."""

from __future__ import annotations

import re
from pathlib import Path

from nexusctl.config.document.node import Scalar, Source
from nexusctl.config.document.paths import display, folders_of, locate
from nexusctl.config.document.problems import Problems
from nexusctl.config.read.reader import read_source
from nexusctl.errors import InputError
from nexusctl.model.trust import Trust

_LINE = re.compile(r"\s*(?:export\s+)?(?P<key>[^=\s#'\"]+)\s*=[ \t]*(?P<value>.*)\Z")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# What may be meant for a name, and is no piece of something that is encoded.
_NEARLY = re.compile(r"\w+(?:[.-]\w+)+\Z|[0-9]\w{0,15}\Z", re.ASCII)
_DOUBLE = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"\s*(?:#.*)?\Z')
_SINGLE = re.compile(r"'(?P<text>[^']*)'\s*(?:#.*)?\Z")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


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
            self._known[found] = _read_file(found, path, problems)
        return self._known[found]


def read_pairs(path: Path, trust: Trust) -> dict[str, str]:
    """The variables in the file `path`, none where it is not there; lines that cannot be read are passed over."""
    if not path.is_file():
        return {}
    place = Scalar(Source(path, str(path), "", trust=trust), 1, 1, str(path), False)
    return {key: value.text for key, value in _read_file(path, place, Problems()).items()}


def _read_file(found: Path, path: Scalar, problems: Problems) -> dict[str, Scalar]:
    try:
        source = read_source(
            found, display=display(path), kind="env file", within=folders_of(path), trust=path.source.trust
        )
    except InputError as error:
        problems.extend(error.diagnostics)
        return {}
    pairs = (_read_line(source, number, problems) for number in range(1, len(source.lines) + 1))
    return {pair[0]: pair[1] for pair in pairs if pair}


def _read_line(source: Source, number: int, problems: Problems) -> tuple[str, Scalar] | None:
    line = source.lines[number - 1]
    if not line.strip() or line.lstrip().startswith("#"):
        return None
    match = _LINE.match(line)
    start = len(line) - len(line.lstrip()) + 1
    if not match:
        place = Scalar(source, number, start, "", False)
        problems.add(place, "this line is not `KEY=VALUE`", "write `KEY=` for an empty value, `#` before a comment")
        return None
    key, column = match["key"], match.start("value") + 1
    if not _KEY.match(key):
        place = Scalar(source, number, match.start("key") + 1, "", False)
        hint = "use letters, digits and underscores, not beginning with a digit"
        shown = f"`{key}`" if _NEARLY.match(key) else "what stands before this `=`"
        problems.add(place, f"{shown} cannot be the name of a variable", hint)
        return None
    text = _unquote(match["value"])
    place = Scalar(source, number, column, text or "", False)
    if text is None:
        problems.add(
            place, "this quote is not closed on its line", "close it; a line break is written `\\n` in double quotes"
        )
        return None
    return key, place


def _unquote(value: str) -> str | None:
    if value.startswith('"'):
        match = _DOUBLE.match(value)
        return match and _ESCAPE.sub(lambda m: _ESCAPES.get(m[1], m[1] if m[1] in '"\\$`' else m[0]), match["text"])
    if value.startswith("'"):
        match = _SINGLE.match(value)
        return match and match["text"]
    return re.split(r"(?:^|\s)#", value, maxsplit=1)[0].rstrip()
