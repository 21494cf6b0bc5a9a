"""A requirements.txt and the files that it takes in: all of them are needed where pip installs from it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from nexusctl.config.build.files.digests import Unfit

_MOST = 50
_LARGEST = 1024 * 1024

_TAKEN_IN = re.compile(r"\s*(?:-r|-c|--requirement|--constraint)(?:\s*=\s*|\s+|(?<=-[rc]))(?P<file>\S+)")
_OF_A_FOLDER = re.compile(
    r"\s*(?:(?:-e|--editable)(?:\s*=\s*|\s+)(?P<editable>\S+)|(?P<path>\.{0,2}/\S*|\.{1,2})\s*\Z)"
)
_USUAL = re.compile(r"(?:\.{1,2}/)*(?:\.{1,2}|[\w-]{1,30}(?:[/.][\w-]{1,30}){0,8}/?)\Z", re.ASCII)
_ELSEWHERE = re.compile(r"[a-z+]+://", re.IGNORECASE)


def requirement_files(path: Path) -> tuple[Path, ...]:
    """`path`, and the files below its folder that it takes in by `-r` or `-c`, each once.

    Raises `Unfit` where one of them is missing, or names what only lies on this machine.
    """
    found: dict[Path, None] = {}
    waiting = [path]
    while waiting:
        file = waiting.pop(0)
        if file in found:
            continue
        if len(found) >= _MOST:
            raise Unfit(f"it takes in more than {_MOST} files", "join them")
        found[file] = None
        waiting += _taken_in(file, path.parent)
    return tuple(found)


def _taken_in(file: Path, folder: Path) -> Iterator[Path]:
    for number, line in enumerate(_read(file), 1):
        where = f"line {number} of `{file.name}`"
        if here := _OF_A_FOLDER.match(line):
            named = here["editable"] or here["path"]
            if not _ELSEWHERE.match(named):
                hint = "take the line out; what lies in a folder is put in by `uploads` and installed by `startup`"
                raise Unfit(f"{where} installs {_shown(named)}, which is not there where pip runs", hint)
        found = _TAKEN_IN.match(line)
        if found and not _ELSEWHERE.match(name := found["file"]):
            other = Path(os.path.abspath(file.parent / name))  # noqa: PTH100  (pathlib keeps `..`)
            if not other.is_relative_to(folder):
                raise Unfit(f"{where} takes in {_shown(name)}, which lies elsewhere", "put it beside the first one")
            if not other.is_file():
                raise Unfit(f"{where} takes in {_shown(name)}, which does not exist", "make it, or take the line out")
            yield other


def _shown(path: str) -> str:
    """A path as it is called; what is no usual one may be a line of a key, which any file can be that is named."""
    return f"`{path}`" if _USUAL.match(path) else "a path"


def _read(file: Path) -> list[str]:
    # What else is wrong with it is said where it is looked at as a file.
    with file.open("rb") as opened:
        text = opened.read(_LARGEST).decode("utf-8", "replace")
    return [re.sub(r"(?:\A|\s)#.*", "", line) for line in text.replace("\\\n", " ").splitlines()]
