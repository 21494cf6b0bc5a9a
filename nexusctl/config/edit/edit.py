"""Changes of a stack file's text at one path: comments, order, quotes and line ends of all else stay as they are.

`path` are the keys and indexes that lead to a place, such as `("sandboxes", "api", "env", "PORT")`; `display` is how
messages call the file. Each of these functions raises `EditError`, with the place in the file, where what was asked for
cannot be changed alone: what an anchor, an alias or `<<` shares, or what another file says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from nexusctl.config.document.node import Node
from nexusctl.config.edit.check import Path, Removed, is_renamed, is_set
from nexusctl.config.edit.fragment import key_text
from nexusctl.config.edit.marks import Span
from nexusctl.config.edit.parsed import Parsed, parse
from nexusctl.config.edit.places import (
    Way,
    add_item,
    add_pair,
    replace,
    replace_root,
    splice,
    take_out,
)
from nexusctl.errors import EditError

_BOM = "\ufeff"
STACK_FILE = "stack file"
_BY_HAND = "change it in an editor"
_EMPTY = re.compile(r"\{\s*\}|\[\s*\]")


def set_value(text: str, path: Path, value: Any, *, display: str = STACK_FILE) -> str:
    """`text` with the JSON value `value` at `path`; mappings that are missing on the way are made.

    A value that is there is replaced, and keeps its place, its quotes and its comment.
    """
    bom, parsed = open_text(text, display)
    way = parsed.follow(path)
    parsed.require_usable(way, (*path, value))
    ways = _ways_to_set(parsed, way, path, value)
    return bom + carry_out(parsed, ways, way, lambda old, new: is_set(old, new, path, value))


def append_item(text: str, path: Path, value: Any, *, display: str = STACK_FILE) -> str:
    """`text` with `value` as the last item of the list at `path`, which is made where there is none."""
    bom, parsed = open_text(text, display)
    way = parsed.follow(path)
    here = way[-1] if len(way) > len(path) else None
    if here is None and way:
        parsed.require_unmerged(way[-1], str(path[len(way) - 1]))
    if here is None or parsed.is_nothing(here):
        return set_value(text, path, [value], display=display)
    if here.kind != "sequence":
        parsed.fail(here, "what stands here is no list of its own, so nothing can be added to it", _BY_HAND)
    parsed.require_own(way)
    parsed.require_usable(way, value)
    if _is_empty(parsed, way):
        ways = replace(parsed, way[-2], _number(way[-2], here), [value])
    else:
        ways = add_item(parsed, here, value)
    end = (*path, len(here.items))
    return bom + carry_out(parsed, ways, way, lambda old, new: is_set(old, new, end, value))


def remove(text: str, path: Path, *, display: str = STACK_FILE) -> str:
    """`text` without what is at `path`, and without the comment right above it.

    What it leaves empty goes too; a sandbox, another entry of a section and an item of a list stay as `{}`.
    """
    bom, parsed = open_text(text, display)
    way = parsed.follow(path)
    _require_there(parsed, way, path)
    depth = len(path)
    while depth and _count(way[depth - 1]) == 1:
        depth -= 1
        if depth in (0, 2) or isinstance(path[depth - 1], int):
            left: Any = {} if way[depth].kind == "mapping" else []
            return set_value(text, path[:depth], left, display=display)
    parent, target = way[depth - 1], way[depth]
    number = _number(parent, target)
    begin = parent.pairs[number][0].start if parent.kind == "mapping" else target.start
    parsed.require_own(way[:depth], (begin, target.end))
    ways = take_out(parsed, parent, number)
    return bom + carry_out(parsed, ways, way, lambda old, new: is_set(old, new, path[:depth], Removed))


def rename_key(text: str, path: Path, new: str, *, display: str = STACK_FILE) -> str:
    """`text` with the key at the end of `path` called `new`; its place and its value stay."""
    bom, parsed = open_text(text, display)
    way = parsed.follow(path)
    _require_there(parsed, way, path)
    if len(way) < 2 or way[-2].kind != "mapping":
        parsed.fail(way[-1], "an item of a list has no name", _BY_HAND)
    if way[-2].find(new) and new != path[-1]:
        parsed.fail(way[-2].find(new)[0], f"`{new}` is there already", "choose another name")  # type: ignore[index]
    parsed.require_usable(way, new)
    key = way[-2].pairs[_number(way[-2], way[-1])][0]
    parsed.require_own(way[:-1], (key.start, key.end))
    sign = parsed.text[key.start]
    ways = [[(key.start, key.end, key_text(new, sign if sign in ("'", '"') else ""))]]
    return bom + carry_out(parsed, ways, way, lambda old, after: is_renamed(old, after, path, new))


def open_text(text: str, display: str) -> tuple[str, Parsed]:
    """The byte order mark of a text, where it has one, and the rest of it parsed."""
    bom = _BOM if text.startswith(_BOM) else ""
    return bom, parse(text.removeprefix(_BOM), display)


def _ways_to_set(parsed: Parsed, way: list[Span], path: Path, value: Any) -> list[Way]:
    depth = len(way) - 1
    if depth == len(path):
        parsed.require_own(way, (way[-1].start, way[-1].end))
        return _ways_to_replace(parsed, way, value)
    rest = path[max(depth, 0) :]
    here = way[-1] if way else None
    if place := next((name for name in rest if isinstance(name, int)), None):
        parsed.fail(here, f"there is no list here that could have an item {place}", _BY_HAND)
    for name in reversed(rest[1:]):
        value = {name: value}
    key = str(rest[0])
    parsed.require_own(way)
    if here is None or parsed.is_nothing(here) or _is_empty(parsed, way):
        return _ways_to_replace(parsed, way, {key: value})
    if len(rest) > 1:
        _refuse_elsewhere(parsed, here, path, depth)
    return add_pair(parsed, here, key, value)


def _ways_to_replace(parsed: Parsed, way: list[Span], value: Any) -> list[Way]:
    if len(way) < 2:
        return replace_root(parsed, value)
    return replace(parsed, way[-2], _number(way[-2], way[-1]), value)


def _refuse_elsewhere(parsed: Parsed, mapping: Span, path: Path, depth: int) -> None:
    """Refuse to begin anew what a `<<` or an included file has."""
    parsed.require_unmerged(mapping, str(path[depth]))
    include = parsed.root.find("include") if parsed.root else None
    if include and depth == 1 and len(path) > 2:
        summary = f"`{'.'.join(map(str, path[:2]))}` is not in this file, and may be in one that it includes"
        parsed.fail(include[0], summary, "change the file that has it")


def _require_there(parsed: Parsed, way: list[Span], path: Path) -> None:
    depth = len(way) - 1
    if depth == len(path) and path:
        return
    name = ".".join(map(str, path[: depth + 1]))
    here = way[-1] if way else None
    if here and path and (merge := parsed.merged_from(here, str(path[depth]))):
        parsed.fail(merge, f"`{name}` comes from this `<<`, which others use too", _BY_HAND)
    include = parsed.root.find("include") if parsed.root else None
    elsewhere = ", and may be in one that it includes" if include else ""
    parsed.fail(
        include[0] if include else here, f"`{name}` is not in this file{elsewhere}", "change the file that has it"
    )


def carry_out(
    parsed: Parsed, ways: list[Way], path: list[Span], is_right: Callable[[Node | None, Node | None], bool]
) -> str:
    for way in ways:
        text = splice(parsed.text, way)
        with suppress(EditError):
            if is_right(parsed.tree, parse(text, parsed.source.display).tree):
                return text
    place = path[-1] if path else None
    return parsed.fail(place, "this cannot be changed here without changing something else", _BY_HAND)


def _is_empty(parsed: Parsed, way: list[Span]) -> bool:
    """Whether empty braces or brackets stand at the end of `way` that may as well be lines."""
    here = way[-1]
    outer = len(way) < 2 or not way[-2].flow
    return outer and here.flow and bool(_EMPTY.fullmatch(parsed.text[here.start : here.end]))


def _count(span: Span) -> int:
    return len(span.pairs) + len(span.items)


def _number(parent: Span, child: Span) -> int:
    inner = [value for _, value in parent.pairs] or parent.items
    return next(number for number, span in enumerate(inner) if span is child)
