"""Diagnostics as text: what is wrong, where, the line itself, and what to do."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from nexusctl.errors import Diagnostic, Location, Note
from nexusctl.render.text_style import listing, paint

WIDEST = 160
MOST_NAMES = 8
"""Sandboxes that a problem names which they have in common."""

_SILENT = " does not answer: "
_SHOWN_AS = {"\t": "    ", "\n": "\\n", "\r": "\\r"}


def render_diagnostics(diagnostics: Iterable[Diagnostic], color: bool = False) -> str:
    """All of them as text that ends with a line end, with an empty line between two; nothing for none."""
    blocks = ["\n".join(_block(diagnostic, color)) + "\n" for diagnostic in diagnostics]
    return "\n".join(blocks)


def merge_alike(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Problems that several sandboxes have in the same words become one that names them all; the order stays.

    An engine that does not answer is one problem, however each call met it.
    """
    first: dict[Diagnostic, Diagnostic] = {}
    groups: dict[Diagnostic, list[str]] = {}
    for diagnostic in diagnostics:
        subject = f"{diagnostic.sandbox}: "
        own = bool(diagnostic.sandbox) and diagnostic.summary.startswith(subject)
        bare = (
            replace(diagnostic, summary=diagnostic.summary.removeprefix(subject), sandbox=None) if own else diagnostic
        )
        key = replace(bare, summary=bare.summary.partition(_SILENT)[0])
        first.setdefault(key, bare)
        groups.setdefault(key, []).extend([str(diagnostic.sandbox)] if own else [])
    return [_named(first[key], names) for key, names in groups.items()]


def _named(bare: Diagnostic, names: list[str]) -> Diagnostic:
    if not names:
        return bare
    return replace(
        bare, summary=f"{listing(names, MOST_NAMES)}: {bare.summary}", sandbox=names[0] if len(names) == 1 else None
    )


def _block(diagnostic: Diagnostic, color: bool) -> list[str]:
    severity = paint(diagnostic.severity, "red" if diagnostic.severity == "error" else "yellow", color=color)
    lines = [f"{severity}: {paint(escape(diagnostic.summary), 'bold', color=color)}"]
    lines += _place(diagnostic.location, diagnostic.excerpt, color)
    for note in diagnostic.notes:
        lines += _note(note, color)
    lines += [f"    {escape(line)}" for line in diagnostic.output]
    if diagnostic.hint:
        lines.append(f"{paint('help', 'cyan', color=color)}: {escape(diagnostic.hint)}")
    return lines


def _note(note: Note, color: bool) -> list[str]:
    return [f"{paint('note', 'cyan', color=color)}: {escape(note.text)}", *_place(note.location, note.excerpt, color)]


def _place(location: Location | None, excerpt: str | None, color: bool) -> list[str]:
    if location is None:
        return []
    number = str(location.line)
    margin = " " * len(number)
    lines = [f"{margin}{paint('-->', 'blue', color=color)} {escape(str(location))}"]
    if not excerpt or not excerpt.strip():
        return lines
    text, caret = _cut(excerpt, location.column)
    bar = paint("|", "blue", color=color)
    lines.append(f"{paint(number, 'blue', color=color)} {bar} {text}")
    if caret is not None:
        lines.append(f"{margin} {bar} {' ' * caret}{paint('^', 'red', color=color)}")
    return lines


def _cut(excerpt: str, column: int) -> tuple[str, int | None]:
    """The line as it is shown, cut around `column` where it is very long, and the cells before the caret."""
    begin = max(0, min(column - WIDEST // 2, len(excerpt) - WIDEST)) if len(excerpt) > WIDEST else 0
    shown = escape(excerpt[begin : begin + WIDEST])
    before = "..." if begin else ""
    after = "..." if begin + WIDEST < len(excerpt) else ""
    at = column - 1 - begin
    caret = _cells(before + escape(excerpt[begin : begin + at])) if 0 <= at <= WIDEST else None
    return before + shown + after, caret


def escape(text: str) -> str:
    """`text` with everything that could move a terminal's cursor written as an escape."""
    if text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    if character in _SHOWN_AS:
        return _SHOWN_AS[character]
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _cells(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
