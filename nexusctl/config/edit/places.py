"""Where in a text something is replaced, added or taken out: ways to do it, the nicest first."""

from __future__ import annotations

import re
from typing import Any

from nexusctl.config.edit.fragment import body, entry, header, inline, item, key_text, stands_below
from nexusctl.config.edit.marks import Span, column, line_end, line_start, next_line, skip_blank, skip_space
from nexusctl.config.edit.parsed import Parsed

# The header of a block of text, with the sign in it that says what becomes of its end.
_BLOCK = re.compile(r"(?:[&!]\S+\s+)*[|>][1-9]?(?P<end>[+-]?)")

Splice = tuple[int, int, str]
Way = list[Splice]
"""Parts of the text, from one index to another, with what is to stand there instead."""


def splice(text: str, way: Way) -> str:
    for start, end, new in sorted(way, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def replace_root(parsed: Parsed, value: Any) -> list[Way]:
    """In place of all that a document says."""
    root, text = parsed.root, parsed.text
    if root and not stands_below(value):
        return [[(root.start, _trimmed(text, root.end), inline(value))]]
    lines = body(value, 0, parsed.step)
    if root is None:
        return [[_lines_at(parsed, len(text), lines)]]
    return [[(root.start, root.end, ""), _lines_at(parsed, next_line(text, root.end), lines)]]


def replace(parsed: Parsed, parent: Span, number: int, value: Any) -> list[Way]:
    """In place of the value of the pair or item `number` of `parent`."""
    text = parsed.text
    key, old = parent.pairs[number] if parent.kind == "mapping" else (None, parent.items[number])
    after = _after_sign(parsed, parent, number)
    end = _trimmed(text, old.end) if old.end > old.start else old.end
    sign = text[old.start : old.start + 1]
    quote = sign if sign in ("'", '"') else ""
    if after is None:
        # A key in braces may stand alone.
        return [[(key.end, key.end, f": {inline(value)}")]] if key and parent.flow else []
    if parent.flow or not stands_below(value):
        return [_replace_beside(text, old, after, end, inline(value, quote))]
    indent = (parent.indent if parent.kind == "mapping" else column(text, after - 1)) + (parsed.step if key else 2)
    lines = body(value, indent, parsed.step)
    sign = f" {header(value)}".rstrip()
    if old.start != old.end and line_start(text, old.start) > after:
        return [[(after, after, sign), _lines_at(parsed, line_start(text, old.start), lines, next_line(text, end))]]
    end = max(after, end)
    rest = text[end : line_end(text, end)]
    below = _lines_at(parsed, next_line(text, end), lines)
    if not rest.strip():
        end += len(rest) if "\t" in rest else 0
        beside = not key and not sign
        return [[(after, end, " " + parsed.newline.join(lines)[indent:])] if beside else [(after, end, sign), below]]
    # Behind a `-` no block can begin where a tab stands before the comment.
    spaced = [(after, end + len(rest) - len(rest.lstrip()), f"{sign}  "), below]
    return [[(after, end, sign), below], spaced]


def _replace_beside(text: str, old: Span, after: int, end: int, new: str) -> Way:
    if old.start == old.end:
        return [(after, after, f" {new}")]
    if line_start(text, old.start) <= after:
        return [(old.start, end, new)]
    return [(after, after, f" {new}"), (line_start(text, old.start), next_line(text, end), "")]


def add_pair(parsed: Parsed, mapping: Span, key: str, value: Any) -> list[Way]:
    """Behind all that `mapping` has."""
    if mapping.flow:
        return _add_inside(parsed.text, mapping, f"{key_text(key)}: {inline(value)}")
    return _add_lines(parsed, mapping, entry(key, value, mapping.indent, parsed.step))


def add_item(parsed: Parsed, sequence: Span, value: Any) -> list[Way]:
    """Behind all that `sequence` has."""
    if sequence.flow:
        return _add_inside(parsed.text, sequence, inline(value))
    return _add_lines(parsed, sequence, item(value, sequence.indent, parsed.step))


def _add_inside(text: str, span: Span, new: str) -> list[Way]:
    """Between braces or brackets."""
    parts = _parts(span)
    if not parts:
        return [[(span.head, span.head, new)]]
    last = parts[-1][1]
    comma = skip_blank(text, last)
    behind = (comma + 1, comma + 1, f" {new}") if text[comma : comma + 1] == "," else (last, last, f", {new}")
    return [[behind], [(span.head, span.head, f"{new}, ")]]


def _add_lines(parsed: Parsed, span: Span, lines: list[str]) -> list[Way]:
    text, last = parsed.text, _parts(span)[-1][1]
    trimmed = next_line(text, _trimmed(text, last))
    whole = _lines_at(parsed, _whole(text, last), lines)
    # Where the text above ends with lines that say something though they are empty, or ends the file.
    first = parsed.newline.join(lines)[span.indent :] + parsed.newline + " " * span.indent
    at_end = _lines_at(parsed, _behind_comments(text, trimmed, span.indent), lines)
    return [
        [at_end],
        [whole],
        [(span.head, span.head, first)],
        [at_end, *_unended(text, span)],
        [whole, *_unended(text, span)],
    ]


def _unended(text: str, span: Span) -> Way:
    """What says of a block of text at the end of a file that it has no line end there."""
    while span.pairs or span.items:
        span = span.pairs[-1][1] if span.pairs else span.items[-1]
    found = _BLOCK.match(text, span.start)
    return [(*found.span("end"), "-")] if found else []


def take_out(parsed: Parsed, parent: Span, number: int) -> list[Way]:
    """The pair or item `number` of `parent`, which has others, with the comment that belongs to it."""
    text, parts = parsed.text, _parts(parent)
    begin, end = parts[number]
    if parent.flow:
        return [_take_inside(text, parts, number)]
    before = parts[number - 1][1] if number else 0
    begin = skip_blank(text, before) if number else parent.head
    end = _trimmed(text, end)
    start = line_start(text, begin)
    if text[start:begin].strip():
        return [_take_first(text, begin, end)]
    if number or parent is not parsed.root:
        start = _above(text, start, max(before, 0), parent.indent)
    stop = _behind_comments(text, next_line(text, end), parent.indent + 1)
    spaced = _above_blank(text, start, before) if not text[stop : line_end(text, stop)].strip() else start
    # The empty lines below would become a part of a block of text above that keeps its end.
    below = max(stop, line_start(text, skip_space(text, stop)))
    ends = (spaced, stop), (start, stop), (start, _whole(text, parts[number][1])), (start, below)
    return [[(first, last, "")] for first, last in ends]


def _take_inside(text: str, parts: list[tuple[int, int]], number: int) -> Way:
    begin, end = parts[number]
    comma = skip_blank(text, end)
    if text[comma : comma + 1] == ",":
        spaces = len(text[comma + 1 :]) - len(text[comma + 1 :].lstrip(" "))
        return (
            [(begin, end, ""), (end, comma + 1 + spaces, "")]
            if not text[end:comma].strip()
            else [
                (begin, end, ""),
                (comma, comma + 1, ""),
            ]
        )
    if not number:
        return [(begin, end, "")]
    comma = skip_blank(text, parts[number - 1][1])
    if not text[comma + 1 : begin].strip(" "):
        return [(comma, end, "")]
    return [(comma, comma + 1, ""), (begin, end, "")]


def _take_first(text: str, begin: int, end: int) -> Way:
    """The first pair or item of what begins on the line of a `-`."""
    following = skip_blank(text, end)
    if "#" not in text[end:following]:
        return [(begin, following, "")]
    rest = line_end(text, end)
    return [(begin - (len(text[:begin]) - len(text[:begin].rstrip(" "))), rest, "")]


def _after_sign(parsed: Parsed, parent: Span, number: int) -> int | None:
    """Behind the `:` or `-` of a value; None where it has none."""
    text = parsed.text
    if parent.kind == "mapping":
        found = skip_blank(text, parent.pairs[number][0].end)
        return found + 1 if text[found : found + 1] == ":" else None
    if parent.flow:
        return parent.items[number].start
    return (skip_blank(text, parent.items[number - 1].end) if number else parent.head) + 1


def _parts(span: Span) -> list[tuple[int, int]]:
    """From where to where each pair or item goes, without a `?` or `-`."""
    pairs = [(key.start, max(key.end, value.end)) for key, value in span.pairs]
    return pairs or [(inner.start, inner.end) for inner in span.items]


def _lines_at(parsed: Parsed, start: int, lines: list[str], end: int | None = None) -> Splice:
    """`lines` where a line begins, or at the end of a text that lacks its last line end."""
    block = parsed.newline.join([*lines, ""])
    if start and column(parsed.text, start):
        block = parsed.newline + block
    return (start, start if end is None else end, block)


def _trimmed(text: str, end: int) -> int:
    """`end` without the empty lines before it, which a block of text counts to itself."""
    while end and text[end - 1] in " \t\r\n\x85\u2028\u2029":
        end -= 1
    return end


def _whole(text: str, end: int) -> int:
    """The line behind what ends at `end`, with the empty lines that a block of text counts to itself."""
    return end if end and column(text, end) == 0 else next_line(text, end)


def _behind_comments(text: str, start: int, indent: int) -> int:
    """The line after those that hold nothing but a comment that begins in column `indent` or further in."""
    while found := re.compile(f"[ ]{{{indent},}}#").match(text, start):
        start = next_line(text, found.end())
    return start


def _above(text: str, start: int, least: int, indent: int) -> int:
    """Where the comment begins that stands right above the line at `start`, in its column."""
    while start > least:
        above = line_start(text, start - (2 if text[start - 2 : start] == "\r\n" else 1))
        if above < least or not re.match(f"[ ]{{{indent}}}#", text[above:start]):
            break
        start = above
    return start


def _above_blank(text: str, start: int, least: int) -> int:
    while start > least:
        above = line_start(text, start - (2 if text[start - 2 : start] == "\r\n" else 1))
        if above < least or text[above:start].strip():
            break
        start = above
    return start
