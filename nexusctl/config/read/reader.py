"""Reading a text file that somebody else wrote: what it may be, how long, and in which encoding."""

from __future__ import annotations

import re
import stat
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import BinaryIO

from nexusctl.config.document.node import Source
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.files_read import note_file
from nexusctl.model.load_request import STDIN
from nexusctl.model.trust import Trust
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.model.values.links import find_stray

SIZE_LIMIT = 1024 * 1024
STACK_FILE = "stack file"

OF_OTHERS = {
    "compose.yaml": "compose",
    "compose.yml": "compose",
    "docker-compose.yaml": "compose",
    "docker-compose.yml": "compose",
    ".devcontainer.json": "devcontainer",
    ".devcontainer/devcontainer.json": "devcontainer",
}
"""Files that say the same as a stack file, with the verb of `import` for each."""

# All but what YAML calls printable. Most files are ASCII, and the whole set takes the library 3 ms to compile.
_UNPRINTABLE_ASCII = "[^\t\n\r\x20-\x7e]"
_UNPRINTABLE = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


def read_source(
    path: Path,
    display: str | None = None,
    kind: str = STACK_FILE,
    limit: int = SIZE_LIMIT,
    within: Sequence[Path] = (),
    *,
    trust: Trust,
    data: bytes | None = None,
) -> Source:
    """Read the text of `path`; `trust` is for what it names, and `data` is what it holds where it is not written yet.

    Raises `InputError` where it is missing, not text, has more than `limit` bytes, or lies in none of the folders
    `within`, where some are given.
    """
    piped = path == STDIN and kind == STACK_FILE
    display = display or ("stdin" if piped else str(path))
    try:
        if data is None:
            data = _read_stdin(limit + 1) if piped else _read_file(path, display, kind, limit + 1, within)
    except FileNotFoundError:
        raise InputError(Diagnostic(f"there is no {kind} `{display}`", hint=_absent_hint(path, kind))) from None
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise InputError(Diagnostic(f"`{display}` cannot be read: {reason}", hint="check its permissions")) from None
    if len(data) > limit:
        hint = "move long texts into files of their own and name them under `uploads` or `env_file`"
        raise InputError(Diagnostic(f"`{display}` is larger than {limit // SIZE_LIMIT} MiB", hint=hint))
    source = Source(path.absolute(), display, _decode(data, display, kind), kind, trust)
    refuse_unprintable(source)
    return source


def _read_file(path: Path, display: str, kind: str, most: int, within: Sequence[Path]) -> bytes:
    note_file(path)
    _refuse_irregular(path, display, kind)
    with path.open("rb") as file:
        _refuse_strayed(file, display, within)
        return file.read(most)


@cache
def _read_stdin(most: int) -> bytes:
    """What a command reads twice comes only once."""
    return sys.stdin.buffer.read(most)


def _refuse_irregular(path: Path, display: str, kind: str) -> None:
    mode = path.stat().st_mode
    if stat.S_ISREG(mode):
        return
    what = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
    raise InputError(Diagnostic(f"`{display}` is {what}, where a {kind} is needed", hint="name the file itself"))


def _refuse_strayed(file: BinaryIO, display: str, within: Sequence[Path]) -> None:
    if real := find_stray(file, within):
        summary = f"`{display}` is a link that leads out of its folder, to `{real}`"
        raise InputError(Diagnostic(summary, hint="put the file here, or write that path itself if it is meant"))


def _absent_hint(path: Path, kind: str) -> str:
    if kind == STACK_FILE and path == Path("nexus.yaml"):
        for name, verb in OF_OTHERS.items():
            if Path(name).is_file():
                return f"`nexusctl import {verb} {name}` writes one; or name one with `-f FILE`"
        return "name one with `-f FILE`, or begin one here with `nexusctl init`"
    beside = [entry.name for entry in path.parent.glob("*.y*ml")]
    return suggest(path.name, beside, "files there") if beside else "check the path"


def _decode(data: bytes, display: str, kind: str) -> str:
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        place = _guarded(Source(Path(), display, data.decode("utf-8", "replace"), kind))
        if wide:
            raise InputError(Diagnostic(f"`{display}` is not valid UTF-16", hint="save the file as UTF-8")) from None
        summary = f"byte 0x{data[error.start]:02x} is not valid UTF-8"
        at = place.location(line, column)
        raise InputError(Diagnostic(summary, at, place.excerpt(line), "save the file as UTF-8")) from None


def _guarded(source: Source) -> Source:
    """A source of which one line is to be shown, though nobody knows what in it is sensitive."""
    # Only needed for a file that cannot be read.
    from nexusctl.config.document.hidden_lines import hide_sections, may_hide  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.config.document.template_argument_lines import find_given  # noqa: PLC0415 - deferred: start-up time

    if may_hide(source.text):
        hide_sections(source)
    source.hidden.update(find_given(source))
    return source


def refuse_unprintable(source: Source) -> None:
    """Raise `InputError` for a character that no YAML file may hold."""
    match = re.search(_UNPRINTABLE_ASCII if source.text.isascii() else _UNPRINTABLE, source.text)
    if not match:
        return
    _guarded(source)
    line = source.text.count("\n", 0, match.start()) + 1
    column = match.start() - source.text.rfind("\n", 0, match.start())
    character = f"U+{ord(match.group()):04X}"
    if match.group() == "\0":
        summary, hint = "the file contains NUL characters", "save it as UTF-8 (this looks like UTF-16 or a binary file)"
    else:
        summary = f"the control character {character} cannot stand in a YAML file"
        hint = f'remove it, or write it as an escape in double quotes: "\\u{ord(match.group()):04x}"'
    raise InputError(Diagnostic(summary, source.location(line, column), source.excerpt(line), hint))
