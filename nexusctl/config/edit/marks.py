"""Where each part of a YAML text begins and ends, from the parser's events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nexusctl.config.read import libyaml

# What libyaml counts as line ends.
LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_SPACE = "[ \t\r\n\x85\u2028\u2029]"
_SPACES = re.compile(f"{_SPACE}*")
_SPACE_OR_COMMENT = re.compile(f"(?:{_SPACE}|(?<!{_SPACE.replace('[', '[^')})#[^\r\n\x85\u2028\u2029]*)*")


class Span:
    """A node of the text from index `start` to `end`, with its anchor or tag.

    `kind` is "scalar", "mapping", "sequence" or "alias". `head` is where the first `-` or key of a collection in block
    style stands, `indent` the column of it; `pairs` are a mapping's keys and values, `items` what a sequence holds.
    `target` is what an alias names.
    """

    __slots__ = ("anchor", "end", "flow", "head", "indent", "items", "kind", "line", "pairs", "start", "target", "text")

    def __init__(self, kind: str, event: Any) -> None:
        self.kind = kind
        self.start: int = event.start_mark.index
        self.end: int = event.end_mark.index
        self.line: int = event.start_mark.line + 1
        self.anchor: str | None = event.anchor
        self.flow = bool(getattr(event, "flow_style", False))
        self.text: str = getattr(event, "value", "")
        self.head: int = event.end_mark.index
        self.indent: int = event.end_mark.column
        self.pairs: list[tuple[Span, Span]] = []
        self.items: list[Span] = []
        self.target: Span | None = None

    @property
    def children(self) -> Iterator[Span]:
        for pair in self.pairs:
            yield from pair
        yield from self.items

    @property
    def is_block(self) -> bool:
        return self.kind in ("mapping", "sequence") and not self.flow

    def find(self, key: str) -> tuple[Span, Span] | None:
        """The pair that the mapping itself has under `key`."""
        return next((pair for pair in self.pairs if pair[0].kind == "scalar" and pair[0].text == key), None)


def mark(text: str) -> Span | None:
    """The root of `text`, which is valid YAML without a byte order mark; None where it holds no document."""
    root: Span | None = None
    anchors: dict[str, Span] = {}
    waiting: list[tuple[Span, list[Span]]] = []
    kinds = libyaml.events()
    for event in libyaml.parse(text):
        if isinstance(event, kinds.CollectionStartEvent):
            span = _open(text, "mapping" if isinstance(event, kinds.MappingStartEvent) else "sequence", event)
            waiting.append((span, []))
        elif isinstance(event, kinds.CollectionEndEvent):
            span, found = waiting.pop()
            _close(span, found, event)
        elif isinstance(event, kinds.AliasEvent):
            span = Span("alias", event)
            span.target, span.anchor = anchors.get(str(event.anchor)), None
        elif isinstance(event, kinds.ScalarEvent):
            span = Span("scalar", event)
        else:
            continue
        if span.anchor:
            anchors[span.anchor] = span
        if isinstance(event, kinds.CollectionStartEvent):
            continue
        if waiting:
            waiting[-1][1].append(span)
        else:
            root = span
    return root


def skip_blank(text: str, index: int) -> int:
    """The index of the next character that is neither white space nor in a comment."""
    found = _SPACE_OR_COMMENT.match(text, index)
    return found.end() if found else index


def skip_space(text: str, index: int) -> int:
    """The index of the next character that is not white space."""
    found = _SPACES.match(text, index)
    return found.end() if found else index


def line_start(text: str, index: int) -> int:
    """Where the line of `index` begins."""
    while index and not LINE_END.match(text, index - 1):
        index -= 1
    return index


def line_end(text: str, index: int) -> int:
    """Where the line of `index` ends, before its line end."""
    found = LINE_END.search(text, index)
    return found.start() if found else len(text)


def next_line(text: str, index: int) -> int:
    """Where the line after that of `index` begins; the end of the text where there is none."""
    found = LINE_END.search(text, index)
    return found.end() if found else len(text)


def column(text: str, index: int) -> int:
    """The column of `index`, from 0."""
    return index - line_start(text, index)


def _open(text: str, kind: str, event: Any) -> Span:
    span = Span(kind, event)
    if span.is_block and kind == "sequence" and text[span.head : span.head + 1] != "-":
        # The parser has no token of its own for the begin of one that is not indented.
        span.head, span.indent = span.head - 1, span.indent - 1
    return span


def _close(span: Span, found: list[Span], event: Any) -> None:
    if span.kind == "mapping":
        span.pairs = list(zip(found[::2], found[1::2], strict=True))
    else:
        span.items = found
    if span.flow:
        span.end = event.end_mark.index
    elif found:
        # The parser says only where something else begins.
        span.end = max(found[-1].end, found[-2].end if len(found) > 1 else 0)
