"""What programs in sandboxes print, on this process's terminal: it gets nothing of it that it would obey."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, TextIO, cast

from nexusctl.cli.terminal.streams import disarm
from nexusctl.model.values.late_regex import late_regex

_KEPT = late_regex(r"\x1b\[(?:(?:\d{0,3}[;:]){0,20}\d{0,3})m|\r\n")
"""How letters look (SGR of ECMA-48), and the end of a line as terminals have it."""

_BEGUN = late_regex(r"(?:\x1b(?:\[[\d;:]{0,80})?|\r)\Z")
"""What may become one of these with the next bytes."""


@contextmanager
def opened(stream: TextIO) -> Iterator[BinaryIO]:
    """Where to write the bytes that a program prints. Files and pipes get them as they are.

    What was begun and never ended is shown at the end.
    """
    if not stream.isatty():
        yield stream.buffer
        return
    shown = _Shown(stream)
    try:
        yield cast(BinaryIO, shown)
    finally:
        shown.finish()


class _Shown:
    """Characters and colours come whole, however the bytes are cut."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""

    def write(self, data: bytes) -> int:
        text = self._held + self._decoder.decode(data)
        begun = _BEGUN.search(text)
        self._held = begun.group() if begun else ""
        self._show(text.removesuffix(self._held))
        return len(data)

    def flush(self) -> None:
        self._stream.flush()

    def finish(self) -> None:
        self._show(self._held + self._decoder.decode(b"", final=True))
        self._held = ""
        self.flush()

    def _show(self, text: str) -> None:
        if text:
            # Our own streams would show these colours, too: they know only those that we use.
            write = io.TextIOWrapper.write if isinstance(self._stream, io.TextIOWrapper) else type(self._stream).write
            write(self._stream, harmless(text))  # type: ignore[arg-type]


def harmless(text: str) -> str:
    """`text` with all that a terminal would obey shown as letters; colours stay, but for hidden letters."""
    done, pieces = 0, []
    for found in _KEPT.finditer(text):
        pieces.append(disarm(text[done : found.start()]))
        pieces.append(disarm(found.group()) if _hides(found) else found.group())
        done = found.end()
    return "".join((*pieces, disarm(text[done:])))


def _hides(found: re.Match[str]) -> bool:
    words = re.sub(r"(?:38|48|58)[;:](?:5[;:]\d+|2(?:[;:]\d+){3})", "", found.group()[2:-1])
    return any(word.lstrip("0") == "8" for word in re.split("[;:]", words))
