"""A stack file's text as it is edited: its tree, where its parts stand, and what stands in the way of a change."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path as FilePath
from typing import Any, NoReturn

from nexusctl.config.document.node import Node, Source
from nexusctl.config.document.problems import Problems
from nexusctl.config.edit.check import Path
from nexusctl.config.edit.fragment import STEP, is_usable
from nexusctl.config.edit.marks import LINE_END, Span, line_start, mark
from nexusctl.config.read.reader import refuse_unprintable
from nexusctl.config.read.yaml_parser import compose_any
from nexusctl.errors import Diagnostic, EditError, InputError


class Parsed:
    """The text of a stack file with its tree and its marks. Raises `InputError` where the text cannot be read."""

    def __init__(self, text: str, display: str) -> None:
        self.text = text
        self.source = Source(FilePath(display).absolute(), display, text)
        refuse_unprintable(self.source)
        problems = Problems()
        self.tree: Node | None = compose_any(self.source, problems)
        problems.raise_any()
        self.root = mark(text)

    @cached_property
    def newline(self) -> str:
        """The line end that most of its lines have."""
        ends = LINE_END.findall(self.text)
        return max(("\n", "\r\n", "\r"), key=ends.count)

    @cached_property
    def step(self) -> int:
        """By how many columns it indents."""
        pairs = self.root.pairs if self.root and self.root.is_block else []
        widths = (value.indent for _, value in pairs if value.is_block and value.kind == "mapping")
        return next((width for width in widths if width), STEP)

    @cached_property
    def aliases(self) -> list[Span]:
        """All that stand in it, in order."""
        return [span for span in _walk(self.root) if span.kind == "alias"] if self.root else []

    def follow(self, path: Path) -> list[Span]:
        """The nodes on the way along `path`, from the root on, as far as they are there. Raises `EditError`.

        An alias ends the way: what is below it stands elsewhere.
        """
        way = [self.root] if self.root else []
        for name in path if way else ():
            here = way[-1]
            if here.kind == "alias":
                anchor = here.target.anchor if here.target else ""
                self.fail(here, f"`*{anchor}` stands here, and its value is used elsewhere too", "write the value out")
            if here.kind == "mapping" and isinstance(name, str):
                if not (pair := here.find(name)):
                    break
                way.append(pair[1])
            elif here.kind == "sequence" and isinstance(name, int):
                if not 0 <= name < len(here.items):
                    self.fail(
                        here,
                        f"the list here has {len(here.items)} items and none with the number {name}",
                        "count from 0",
                    )
                way.append(here.items[name])
            elif self.is_nothing(here):
                break
            else:
                what = "a text or number" if here.kind == "scalar" else f"a {here.kind}"
                self.fail(here, f"{what} stands here, and `{name}` cannot be in it", "change that value first")
        return way

    def is_nothing(self, span: Span) -> bool:
        """Whether a key with no value, or `null`, stands there."""
        plain = span.kind == "scalar" and self.text[span.start : span.start + 1] not in ("'", '"', "|", ">", "&", "!")
        return plain and span.text in ("", "~", "null", "Null", "NULL")

    def require_own(self, way: list[Span], gone: tuple[int, int] = (0, 0)) -> None:
        """Raise `EditError` where others use a node of `way`, or what stands in the part that will be `gone`."""
        for alias in self.aliases:
            target = alias.target
            if target is None:
                continue
            begin, end = gone
            used = begin <= target.start < end and not begin <= alias.start < end
            if used or any(target is span for span in way):
                summary = f"`&{target.anchor}` marks what is to be changed, and line {alias.line} uses it"
                self.fail(target, summary, f"write the value out there in place of `*{target.anchor}`")

    def require_usable(self, way: list[Span], value: Any) -> None:
        """Raise `EditError` where a text in `value`, which is to stand at the end of `way`, can be in no stack file."""
        if not is_usable(value):
            summary = "the new text contains a NUL or half a character, which no program can take"
            self.fail(way[-1] if way else None, summary, "leave it out; binary data goes into a file under `uploads`")

    def merged_from(self, mapping: Span, key: str) -> Span | None:
        """The `<<` of `mapping` that gives it `key`, where one does."""
        merge = mapping.find("<<")
        if merge is None:
            return None
        bases = [merge[1], *merge[1].items]
        found = (base.target if base.kind == "alias" else base for base in bases)
        return merge[0] if any(base and (base.find(key) or self.merged_from(base, key)) for base in found) else None

    def require_unmerged(self, mapping: Span, name: str) -> None:
        """Raise `EditError` where `mapping` has `name` from a `<<`: what is begun anew there would hide all of it."""
        if merge := self.merged_from(mapping, name):
            self.fail(merge, f"`{name}` comes from this `<<`, which others use too", "write it out here first")

    def fail(self, place: Span | None, summary: str, hint: str | None = None) -> NoReturn:
        """Raise `EditError` at `place`."""
        line, start = (place.line, place.start) if place else (1, 0)
        at = self.source.location(line, start - line_start(self.text, start) + 1)
        raise EditError(Diagnostic(summary, at, self.source.excerpt(line), hint))


def parse(text: str, display: str) -> Parsed:
    """`text` for editing; nobody may change it. Raises `EditError` where it cannot be read, with what is wrong in it.

    Of several edits in a row each begins with the text that the one before has checked, so the last ones are kept.
    """
    return _parse(text, display, FilePath(display).absolute())


@lru_cache(maxsize=2)
def _parse(text: str, display: str, _where: FilePath) -> Parsed:
    try:
        return Parsed(text, display)
    except InputError as error:
        raise EditError(*error.diagnostics) from None


def _walk(span: Span) -> Iterator[Span]:
    yield span
    for child in span.children:
        yield from _walk(child)
