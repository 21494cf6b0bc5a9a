"""What no stack needs, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nexusctl.model.observed.disposable import Disposable
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.text_style import headed, quiet, size


def render_disposables(found: Sequence[Disposable], *, color: bool = False) -> str:
    """A row each, and what they hold together."""
    if not found:
        return "Nothing that no stack needs.\n"
    rows = [["KIND", "NAME", "SIZE", "WHAT"]]
    rows += [
        [one.kind, quiet(one.name[:40]), "-" if one.size is None else size(one.size), quiet(one.about)] for one in found
    ]
    whole = f"{size(total(found))} at most, as images share what is below them."
    return "\n".join([*headed(rows, color=color), whole, ""])


def disposables_document(found: Sequence[Disposable], removed: Sequence[Disposable]) -> dict[str, Any]:
    gone = {one.name for one in removed}
    listed = [
        {"kind": one.kind, "name": one.name, "size": one.size, "about": one.about, "removed": one.name in gone}
        for one in found
    ]
    return {"format_version": FORMAT_VERSION, "found": listed, "bytes": total(found)}


def total(found: Sequence[Disposable]) -> int:
    """The bytes of those of which they are known."""
    return sum(one.size or 0 for one in found)
