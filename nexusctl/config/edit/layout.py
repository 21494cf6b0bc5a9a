"""The usual layout of a stack file's text: indentation, blanks and empty lines change, and nothing that it says.

Comments stay where they belong, and so do quotes, the order and line ends. What has a layout already is left as it is,
to the byte.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import pairwise

from nexusctl.config.edit.check import alike
from nexusctl.config.edit.edit import open_text
from nexusctl.config.edit.fragment import STEP
from nexusctl.config.edit.marks import LINE_END, Span, line_end, line_start, skip_blank
from nexusctl.config.edit.parsed import Parsed, parse
from nexusctl.config.edit.places import Splice, splice
from nexusctl.errors import InputError

_BLOCK_TEXT = re.compile(r"(?:[&!]\S+\s+)*[|>](?P<sign>[-+0-9]*)")


def lay_out(text: str, *, display: str) -> str:
    """`text` in the usual layout. Raises `InputError` where it cannot be read, and `EditError` where it would come to
    say something else.
    """
    bom, parsed = open_text(text, display)
    laid = _clean(_Layout(parsed).indented(), display)
    laid = _spaced(parse(laid, display))
    if not _says_the_same(parsed, laid, display):
        parsed.fail(parsed.root, "this cannot be laid out without changing what it says", "change it in an editor")
    return bom + laid


def _says_the_same(parsed: Parsed, laid: str, display: str) -> bool:
    try:
        after = parse(laid, display)
    except InputError:
        return False
    if parsed.tree is None or after.tree is None:
        return parsed.tree is after.tree
    return alike(parsed.tree, after.tree) and _list_comments(parsed) == _list_comments(after)


class _Layout:
    """Where each line of a text is to begin, by what begins in it."""

    def __init__(self, parsed: Parsed) -> None:
        self._parsed, self._text = parsed, parsed.text
        ends = [found.end() for found in LINE_END.finditer(self._text)]
        self._starts = [0, *(end for end in ends if end < len(self._text))]
        self._columns: dict[int, int] = {}
        """Columns by the number of a line, for those in which a key or a `-` stands first."""
        self._moved: dict[int, int] = {}
        """By how many columns a line moves, for those of a block of text."""
        self._dashes: list[Splice] = []
        if parsed.root:
            self._place(parsed.root, 0)
        self._firsts = sorted(self._columns)
        self._by_column: dict[int, list[int]] = {}
        """The same lines by the column in which that stands now: a file may be all comments."""
        for number in self._firsts:
            self._by_column.setdefault(self._content(number) - self._starts[number], []).append(number)

    def indented(self) -> str:
        moves, shift = [], 0
        for number, start in enumerate(self._starts):
            content = self._content(number)
            if number in self._moved:
                by = self._moved[number]
            elif number in self._columns:
                by = shift = self._columns[number] - (content - start)
            elif self._text[content : content + 1] == "#":
                by = self._move_of_comment(number, content - start, shift)
            else:
                by = shift
            if by and content < line_end(self._text, start):
                moves.append((start, content, " " * max(0, content - start + by)))
        return splice(self._text, [*moves, *self._dashes])

    def _content(self, number: int) -> int:
        start = self._starts[number]
        line = self._text[start : line_end(self._text, start)]
        return start + len(line) - len(line.lstrip(" "))

    def _line(self, index: int) -> int:
        return bisect_right(self._starts, index) - 1

    def _is_first(self, index: int) -> bool:
        return not self._text[line_start(self._text, index) : index].strip()

    def _place(self, span: Span, column: int) -> None:
        """Let the block collection `span` begin in `column`, and all that is in it further in."""
        if span.kind == "mapping" and span.is_block:
            for key, value in span.pairs:
                if self._is_first(key.start):
                    self._columns[self._line(key.start)] = column
                self._place_value(value, column + STEP, self._line(key.end))
        elif span.kind == "sequence" and span.is_block:
            dash = span.head
            for number, item in enumerate(span.items):
                if number:
                    dash = skip_blank(self._text, span.items[number - 1].end)
                if self._text[dash : dash + 1] != "-":
                    self._parsed.fail(item, "this list cannot be laid out", "change it in an editor")
                self._place_item(dash, item, column)

    def _place_item(self, dash: int, item: Span, column: int) -> None:
        if self._is_first(dash):
            self._columns[self._line(dash)] = column
        gap = self._text[dash + 1 : item.start]
        if gap != " " and gap.isspace() and not LINE_END.search(gap) and item.end > item.start:
            self._dashes.append((dash + 1, item.start, " "))
        self._place_value(item, column + 2, self._line(dash))

    def _place_value(self, value: Span, column: int, line: int) -> None:
        if value.is_block:
            self._place(value, column)
        elif value.kind == "scalar" and (found := _BLOCK_TEXT.match(self._text, value.start)):
            self._place_text(value, found["sign"], column, line)
        elif (first := self._line(value.start)) > line and self._is_first(value.start):
            self._columns[first] = column

    def _place_text(self, value: Span, sign: str, column: int, line: int) -> None:
        """A block of text: all of its lines move by the same."""
        first, last = self._line(value.start) + 1, self._line(max(value.start, value.end - 1))
        lines = [number for number in range(first, last + 1) if number < len(self._starts)]
        full = [number for number in lines if self._content(number) < line_end(self._text, self._starts[number])]
        if not full:
            return
        indent = self._content(full[0]) - self._starts[full[0]]
        if any(letter.isdigit() for letter in sign):
            # It says itself by how much it is further in than what it belongs to.
            held = self._content(line) - self._starts[line]
            by = self._columns.get(line, held) - held
        else:
            by = column - indent
        for number in lines:
            start = self._starts[number]
            blank = self._content(number) >= line_end(self._text, start)
            self._moved[number] = 0 if blank and line_end(self._text, start) - start <= indent else by

    def _move_of_comment(self, number: int, column: int, shift: int) -> int:
        """A comment goes with what stands in its column: below it, or else above."""
        below = bisect_right(self._firsts, number)
        level = self._by_column.get(column, [])
        above = bisect_right(level, number)
        if below < len(self._firsts) and above < len(level) and level[above] == self._firsts[below]:
            return self._columns[level[above]] - column
        return self._columns[level[above - 1]] - column if above else shift


def _clean(text: str, display: str) -> str:
    """Without blanks at the ends of lines, and with one empty line at most where there are several; not in texts."""
    parsed = parse(text, display)
    held = _list_held(parsed)
    begins = [start for start, _ in held]

    def is_held(begun: int, index: int) -> bool:
        """Whether `index` is in the last of these texts that has begun by `begun`."""
        number = bisect_right(begins, begun)
        return number > 0 and index < held[number - 1][1]

    lines: list[str] = []
    at = 0
    for found in [*LINE_END.finditer(text), None]:
        stop = found.start() if found else len(text)
        end = found[0] if found else ""
        line = text[at:stop]
        if is_held(at, at):
            lines.append(line + end)
        elif line.strip(" \t"):
            # The blanks before a text that goes on in the next line are no end of a line.
            kept = line if is_held(stop - 1, stop) else line.rstrip(" \t")
            lines.append(kept + end)
        elif end and lines and lines[-1].strip():
            lines.append(end)
        at = found.end() if found else stop
    while lines and not lines[-1].strip() and not is_held(len(text) - 1, len(text) - 1):
        lines.pop()
    whole = "".join(lines)
    return whole if not whole or LINE_END.search(whole[-1]) else whole + parsed.newline


def _list_held(parsed: Parsed) -> list[tuple[int, int]]:
    """Where texts of several lines stand, in order: what ends or begins a line there may be a part of them."""
    held = []
    for span in _walk(parsed.root):
        if span.kind == "scalar" and LINE_END.search(parsed.text[span.start : span.end]):
            found, end = _BLOCK_TEXT.match(parsed.text, span.start), span.end
            if found and "+" not in found["sign"]:
                end = span.start + len(parsed.text[span.start : span.end].rstrip())
            held.append((span.start, end))
    return sorted(held)


def _spaced(parsed: Parsed) -> str:
    """The text with one blank behind each `:` and `,` of what stands on one line, and none inside of brackets."""
    text = parsed.text
    ways: list[Splice] = []
    for span in _walk(parsed.root):
        if span.flow and span.kind != "scalar":
            ways += _space_flow(text, span)
        elif span.kind == "mapping":
            ways += [(key.end, value.start, ": ") for key, value in span.pairs if _may_join(text, key, value, ":")]
    return splice(text, [way for way in ways if text[way[0] : way[1]] != way[2]])


def _space_flow(text: str, span: Span) -> list[Splice]:
    opened = span.start + 1
    if text[span.start] not in "[{" or LINE_END.search(text, span.start, span.end):
        return []
    pairs = [(key.start, max(key.end, value.end)) for key, value in span.pairs]
    parts = pairs or [(item.start, item.end) for item in span.items]
    if not parts:
        return [(opened, span.end - 1, "")] if not text[opened : span.end - 1].strip() else []
    ways = [(key.end, value.start, ": ") for key, value in span.pairs if _may_join(text, key, value, ":")]
    for (_, end), (start, _) in pairwise(parts):
        if text[end:start].strip() == ",":
            ways.append((end, start, ", "))
    for start, end in ((opened, parts[0][0]), (parts[-1][1], span.end - 1)):
        if end > start and not text[start:end].strip():
            ways.append((start, end, ""))
    return ways


def _may_join(text: str, key: Span, value: Span, sign: str) -> bool:
    gap = text[key.end : value.start]
    # An alias as a key needs the blank before the sign.
    return value.end > value.start and gap.strip() == sign and not LINE_END.search(gap) and key.kind != "alias"


def _list_comments(parsed: Parsed) -> list[str]:
    """The comments of a text, in order: what begins with `#` behind a blank, and is not in a value or key."""
    text, held = parsed.text, sorted((s.start, s.end) for s in _walk(parsed.root) if s.kind == "scalar")
    found, at = [], 0
    for match in re.finditer(r"(?:^|(?<=\s))#[^\r\n\x85\u2028\u2029]*", text):
        while at < len(held) and held[at][1] <= match.start():
            at += 1
        if at == len(held) or not held[at][0] <= match.start() < held[at][1]:
            found.append(match[0].rstrip())
    return found


def _walk(span: Span | None) -> list[Span]:
    waiting, found = [span] if span else [], []
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += one.children
    return found
