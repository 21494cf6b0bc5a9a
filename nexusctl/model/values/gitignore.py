"""Patterns of a .gitignore, with the answers that git gives. Pure.

A pattern tells of one entry and never of what lies below it; that is left out because nobody goes into a folder that is
left out. Libraries that ask about whole paths let `!app/` take in `app/secrets/key.pem` again, which `secrets/` left
out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from nexusctl.model.values.wildmatch import MalformedPattern, compile_wildmatch


class _Pattern(NamedTuple):
    matcher: re.Pattern[bytes]
    taken_in: bool
    """Whether what it matches is taken in again."""
    folders_only: bool
    by_name: bool
    """Whether it is about the last name of a path alone, wherever that lies."""


class GitIgnore:
    """What the patterns of one file leave out; of those that match, the one that stands last decides."""

    def __init__(self, patterns: Iterable[_Pattern]) -> None:
        self._patterns = tuple(patterns)[::-1]
        self._folders: dict[str, bool] = {}

    def leaves_out(self, path: str, *, folder: bool) -> bool:
        """Whether the entry `path` is left out, where the folders above it are not. No slash at its beginning or end.

        As git has it, bytes are compared: `?` stands for one byte.
        """
        whole = path.encode("utf-8", "surrogatepass")
        name = whole.rpartition(b"/")[2]
        for pattern in self._patterns:
            if (folder or not pattern.folders_only) and pattern.matcher.match(name if pattern.by_name else whole):
                return not pattern.taken_in
        return False

    def leaves_out_below(self, path: str, *, folder: bool) -> bool:
        """Whether the entry `path` is left out, or a folder above it."""
        above = path.rpartition("/")[0]
        return (bool(above) and self._leaves_out_folder(above)) or self.leaves_out(path, folder=folder)

    def _leaves_out_folder(self, path: str) -> bool:
        if path not in self._folders:
            self._folders[path] = self.leaves_out_below(path, folder=True)
        return self._folders[path]


def read_patterns(lines: Iterable[str]) -> GitIgnore:
    """The patterns that stand in `lines`. As for git, a malformed one matches nothing; see `find_malformed`."""
    return GitIgnore(pattern for _, pattern in _read_lines(lines) if isinstance(pattern, _Pattern))


def find_malformed(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each of `lines` that no pattern can be, with the reason."""
    return ((line, str(problem)) for line, problem in _read_lines(lines) if isinstance(problem, MalformedPattern))


def _read_lines(lines: Iterable[str]) -> Iterator[tuple[str, _Pattern | MalformedPattern]]:
    for line in "\n".join(lines).split("\n"):
        text = _trim(line.removesuffix("\r").encode("utf-8", "surrogatepass"))
        if text and not text.startswith(b"#"):
            try:
                yield line, _read_pattern(text)
            except MalformedPattern as problem:
                yield line, problem


def _read_pattern(text: bytes) -> _Pattern:
    taken_in = text.startswith(b"!")
    text = text.removeprefix(b"!")
    if not text:
        raise MalformedPattern("nothing follows its `!`")
    folders_only = text.endswith(b"/")
    text = text.removesuffix(b"/")
    by_name = b"/" not in text
    return _Pattern(compile_wildmatch(text.removeprefix(b"/"), by_name=by_name), taken_in, folders_only, by_name)


def _trim(line: bytes) -> bytes:
    """Without the blanks at its end, of which a backslash keeps one."""
    end = at = 0
    while at < len(line):
        if line[at : at + 1] == b"\\":
            at += 1
            if at == len(line):
                return line
            end = at + 1
        elif line[at : at + 1] != b" ":
            end = at + 1
        at += 1
    return line[:end]
