"""The process's own streams, on which everything is told."""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
from typing import TYPE_CHECKING, TextIO

from nexusctl.model.values.late_regex import late_regex

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer


class OutputLost(Exception):
    """What a command gives out cannot be written, and why."""


class _Output(io.FileIO):
    """stdout: what cannot be written there is lost work, and no bug."""

    def write(self, data: Buffer) -> int | None:  # type: ignore[override]
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost((error.strerror or str(error)).lower()) from error


class _Journal(_Output):
    """stderr: a full disk keeps nobody from going on with what is told about."""

    needs_reader = True

    def write(self, data: Buffer) -> int | None:  # type: ignore[override]
        try:
            return super().write(data)
        except BrokenPipeError:
            if self.needs_reader:
                raise
            return memoryview(data).nbytes
        except OutputLost:
            return memoryview(data).nbytes


def go_on_unheard() -> None:
    """From now on nothing ends because nobody reads what is told of it: there is something to clear up."""
    _Journal.needs_reader = False


_COMMANDS = late_regex(
    r"(\x1b\[(?:[012]|3[1-6])m)|[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
"""What a terminal obeys (ECMA-48), and what turns the order of letters around; but for the colours that we use."""


class _Guarded(io.TextIOWrapper):
    """A way to a terminal on which nothing that others have said is a command: names, labels, what tools print.

    Bytes that are written to the buffer below go as they are.
    """

    def write(self, text: str) -> int:
        super().write(disarm(text))
        return len(text)


def disarm(text: str) -> str:
    """`text` with everything that a terminal would obey as an escape, in a way that leaves JSON what it says."""
    return _COMMANDS.sub(_show, text)


def _show(match: re.Match[str]) -> str:
    code = ord(match.group()[0])
    return match.group(1) or (f"\\x{code:02x}" if code < 0x20 else f"\\u{code:04x}")


def rewind(stream: TextIO, lines: int) -> None:
    """Go up so many lines of a terminal, and clear what is below."""
    code = f"\x1b[{lines}F\x1b[J"
    if isinstance(stream, _Guarded):
        io.TextIOWrapper.write(stream, code)
    else:
        stream.write(code)


def open_streams() -> None:
    """See that all three are there, else the next file or connection would become one of them, and what they raise.

    `BrokenPipeError` where a reader has gone; `OutputLost` for anything else on stdout, and nothing else on stderr.
    A terminal gets nothing that it would obey.
    """
    for number in range(3):
        if (sys.stdin, sys.stdout, sys.stderr)[number] is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - it ends with the process
    sys.stdout = _wrap(_Output(1, "wb", closefd=False), sys.stdout)
    sys.stderr = _wrap(_Journal(2, "wb", closefd=False), sys.stderr)


def _wrap(raw: io.FileIO, former: TextIO | None) -> io.TextIOWrapper:
    """Text over `raw`, in the encoding and the manner that the interpreter has chosen for `former`."""
    buffer = io.BufferedWriter(raw)
    if not isinstance(former, io.TextIOWrapper):
        return io.TextIOWrapper(buffer, "utf-8", line_buffering=True)
    # Where the interpreter was asked not to buffer at all, a line is soon enough.
    by_line = former.line_buffering or former.write_through
    errors = "json-escape" if former.errors == "strict" else former.errors
    # What goes into a file or a pipe is data.
    kind = _Guarded if raw.isatty() else io.TextIOWrapper
    return kind(buffer, former.encoding, errors, line_buffering=by_line)


def _escape(error: UnicodeError) -> tuple[str, int]:
    """What an encoding has no letters for as JSON and YAML write it, so that both stay what they are."""
    assert isinstance(error, UnicodeEncodeError)
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2)), error.end


codecs.register_error("json-escape", _escape)
