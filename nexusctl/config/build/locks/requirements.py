"""A requirements.txt and what it takes from this machine: all of it is needed where pip installs from it."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from nexusctl.config.build.files.digests import Unfit

_OUTSIDE = "take the line out; what lies in a folder is put in by `uploads` and installed by `startup`"
_MOST = 50
_LARGEST = 1024 * 1024

_TAKEN_IN = re.compile(r"(?:-r|-c|--requirement|--constraint)(?:\s*=\s*|\s+|(?<=-[rc]))(?P<path>\S+)")
_EDITABLE = re.compile(r"(?:-e|--editable)(?:\s*=\s*|\s+)(?P<path>\S+)")
_LINKS = re.compile(r"(?:-f|--find-links)(?:\s*=\s*|\s+|(?<=-f))(?P<path>\S+)")
_OPTION = re.compile(r"(?:^|\s)--?\w.*$")
_ARCHIVE = re.compile(r"\.(?:whl|zip|tar|tgz|tbz|txz|tlz|tar\.(?:gz|bz2|xz|lz|lzma))$", re.IGNORECASE)
_EXTRAS = re.compile(r"\[[^\[\]]*\]$")
_USUAL = re.compile(r"(?:\.{1,2}/)*(?:\.{1,2}|[\w+-]{1,60}(?:[/.][\w+-]{1,30}){0,12}/?)\Z", re.ASCII)
_ELSEWHERE = re.compile(r"(?!file:)[a-z+]+://|git@", re.IGNORECASE)
# As pip does it, the longer ones first.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_CODING = re.compile(rb"^#.*coding[:=]\s*([-\w.]+)", re.MULTILINE)


class Taken(NamedTuple):
    """What a requirements.txt takes from this machine: more of its kind, what it installs, and folders of archives."""

    files: tuple[Path, ...]
    installed: tuple[Path, ...]


def read_requirements(path: Path) -> Taken:
    """`path` with the files below its folder that it takes in by `-r` or `-c`, and what of that folder they install.

    Raises `Unfit` where one of them is missing or leads elsewhere, and for a line that pip does not understand.
    """
    found: dict[Path, None] = {}
    installed: dict[Path, None] = {}
    waiting = [path]
    while waiting:
        file = waiting.pop(0)
        if file in found:
            continue
        if len(found) >= _MOST:
            raise Unfit(f"it takes in more than {_MOST} files", "join them")
        found[file] = None
        for number, line in _read(file):
            where = f"line {number} of `{file.name}`"
            if taken := _TAKEN_IN.match(line):
                if not _ELSEWHERE.match(taken["path"]):
                    waiting.append(_take_in(taken["path"], file, path.parent, where))
            else:
                installed.update(dict.fromkeys(_list_local(line, file, path.parent, where)))
    return Taken(tuple(found), tuple(installed))


def _take_in(name: str, file: Path, folder: Path, where: str) -> Path:
    other = Path(os.path.abspath(file.parent / name))  # noqa: PTH100  (pathlib keeps `..`)
    if not other.is_relative_to(folder):
        raise Unfit(f"{where} takes in {_shown(name)}, which lies elsewhere", "put it beside the first one")
    if not other.is_file():
        raise Unfit(f"{where} takes in {_shown(name)}, which does not exist", "make it, or take the line out")
    return other


def _list_local(line: str, file: Path, folder: Path, where: str) -> Iterator[Path]:
    """The archives and folders of this machine that a line installs from."""
    if links := _LINKS.match(line):
        if not _ELSEWHERE.match(links["path"]):
            # pip looks beside the file first, and for all else where it runs.
            beside = file.parent if (file.parent / links["path"]).exists() else folder
            yield from _list_archives(_find_local(links["path"], beside, folder, where))
    elif editable := _EDITABLE.match(line):
        if not _ELSEWHERE.match(editable["path"]):
            place = Path(os.path.normpath(folder / editable["path"]))
            below = place != folder and place.is_relative_to(folder)
            hint = "write its path without `-e`, so that it goes along" if below else _OUTSIDE
            raise Unfit(f"{where} installs {_shown(editable['path'])}, which is not there where pip runs", hint)
    elif named := _OPTION.sub("", line).strip():
        local = _EXTRAS.sub("", named.partition(";")[0].strip())
        if _is_path(local):
            yield _find_local(local, folder, folder, where)
        elif not _ELSEWHERE.match(named):
            _check_requirement(named, where)


def _is_path(text: str) -> bool:
    """As pip tells it: an address of a file, a word with a slash or a dot in front, the name of an archive."""
    if "@" in text and not _is_path(text.partition("@")[0]):
        return False
    if text.lower().startswith("file:"):
        return True
    return not _ELSEWHERE.match(text) and ("/" in text or text.startswith(".") or bool(_ARCHIVE.search(text)))


def _find_local(text: str, beside: Path, folder: Path, where: str) -> Path:
    shown = _shown(text)
    name = unquote(re.sub(r"#.*", "", text[5:])) if text.lower().startswith("file:") else text
    if name.startswith(("/", "~")):
        hint = "put it beside the file, and write the path from there, such as `./dist/own.whl`"
        raise Unfit(f"{where} installs {shown}, which is a path of this machine alone", hint)
    place = Path(os.path.normpath(beside / name))
    if not place.is_relative_to(folder) or place == folder:
        raise Unfit(f"{where} installs {shown}, which does not lie below the file's folder", _OUTSIDE)
    if not place.exists():
        raise Unfit(f"{where} installs {shown}, which is not there where pip runs", "make it, or take the line out")
    return place


def _list_archives(place: Path) -> Iterator[Path]:
    """What pip finds in a folder of archives, or behind a page of links to them."""
    entries = sorted(place.iterdir()) if place.is_dir() else [place]
    yield from (entry for entry in entries if entry.is_file())


def _check_requirement(text: str, where: str) -> None:
    # Few stacks name one.
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - deferred: start-up time

    try:
        found = Requirement(re.sub(r"\$\{[A-Z0-9_]+\}", "x", text))
    except InvalidRequirement:
        raise Unfit(f"{where} is nothing that pip can install", "write for example `requests==2.32.3`") from None
    if found.url and not _ELSEWHERE.match(found.url):
        if not re.match(r"file:", found.url, re.IGNORECASE):
            hint = "pip takes a path by itself: write `./folder` or `./dist/own.whl`, without a name before it"
            raise Unfit(f"{where} names {_shown(found.url)} behind an `@`, where pip takes an address", hint)
        hint = "put it beside the file, and write its path by itself, such as `./dist/own.whl`"
        raise Unfit(f"{where} installs a `file:` address, which is a path of this machine alone", hint)


def _shown(path: str) -> str:
    """A path as it is called; what is no usual one may be a line of a key, which any file can be that is named."""
    return f"`{path}`" if _USUAL.match(path) else "a path"


def _read(file: Path) -> Iterator[tuple[int, str]]:
    """The lines with the number at which each begins, without comments."""
    # What else is wrong with it is said where it is looked at as a file.
    with file.open("rb") as opened:
        data = opened.read(_LARGEST)
    text = data.decode(_find_encoding(data), "replace")
    begun, joined = 1, ""
    for number, line in enumerate((*text.splitlines(), ""), 1):
        begun = begun if joined else number
        if line.endswith("\\") and not re.match(r"\s*#", line):
            joined += line[:-1] + " "
            continue
        whole = re.sub(r"(?:\A|\s)#.*", "", joined + line).strip()
        joined = ""
        if whole:
            yield begun, whole


def _find_encoding(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    coding = _CODING.search(b"\n".join(data.split(b"\n", 2)[:2]))
    try:
        return codecs.lookup(coding[1].decode()).name if coding else "utf-8"
    except LookupError:
        return "utf-8"
