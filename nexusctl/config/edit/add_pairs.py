"""Several entries at once behind what a section of a stack file has: parsed and compared once for all of them."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from typing import Any

from nexusctl.config.document.node import Node
from nexusctl.config.edit.check import Path, says_added
from nexusctl.config.edit.edit import STACK_FILE, carry_out, open_text, set_value
from nexusctl.config.edit.places import Way, add_pair


def add_pairs(text: str, path: Path, entries: MappingType[str, Any], *, display: str = STACK_FILE) -> str:
    """`text` with `entries` as the last of the mapping at `path`, which is made where there is none.

    Raises `EditError` where one of them is there already, and as `set_value` does.
    """
    bom, parsed = open_text(text, display)
    way = parsed.follow(path)
    here = way[-1] if len(way) > len(path) else None
    if here is None and way:
        parsed.require_unmerged(way[-1], str(path[len(way) - 1]))
    if here is None or here.kind != "mapping" or not here.pairs:
        return set_value(text, path, dict(entries), display=display)
    for name in entries:
        if found := here.find(name):
            parsed.fail(found[0], f"`{name}` is there already", "choose another name")
    parsed.require_own(way)
    parsed.require_usable(way, entries)
    each = [add_pair(parsed, here, name, value) for name, value in entries.items()]
    ways = [_join(alike) for alike in zip(*each, strict=True)]

    def is_right(old: Node | None, new: Node | None) -> bool:
        return says_added(old, new, path, entries)

    return bom + carry_out(parsed, ways, way, is_right)


def _join(ways: tuple[Way, ...]) -> Way:
    """What all of `ways` put at one place, in their order; what several take away is taken once."""
    joined: dict[tuple[int, int], str] = {}
    for way in ways:
        for start, end, new in way:
            before = joined.get((start, end), "")
            # What comes first has made the line end that the text lacks.
            more = new.lstrip("\r\n") if before.endswith(("\n", "\r")) else new
            joined[start, end] = before if before == new else before + more
    return [(start, end, new) for (start, end), new in joined.items()]
