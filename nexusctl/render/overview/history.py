"""Who has done what to a stack, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nexusctl.model.observed.history import Deed
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.overview.events import CAUSES
from nexusctl.render.text_style import headed, quiet, utc


def render_history(found: Sequence[Deed], *, color: bool = False) -> str:
    """A row each."""
    if not found:
        return "Nothing is recorded.\n"
    rows = [["TIME", "SANDBOX", "WHAT", "BY"], *(_row(deed) for deed in found)]
    return "\n".join([*headed(rows, color=color), ""])


def history_document(stack: str, found: Sequence[Deed]) -> dict[str, Any]:
    return {"format_version": FORMAT_VERSION, "stack": stack, "history": [_document(deed) for deed in found]}


def _row(deed: Deed) -> list[str]:
    return [utc(deed.at) if deed.at else "-", quiet(deed.sandbox), _say(deed), quiet(deed.user) or "-"]


def _say(deed: Deed) -> str:
    if deed.until:
        return f"{deed.kind} until {utc(deed.until)}"
    return f"{deed.kind}: {CAUSES[deed.cause]}" if deed.cause else deed.kind


def _document(deed: Deed) -> dict[str, Any]:
    return {
        "at": utc(deed.at) if deed.at else None,
        "sandbox": deed.sandbox,
        "what": deed.kind,
        "user": deed.user or None,
        "container": deed.container,
        "cause": deed.cause or None,
        "until": utc(deed.until) if deed.until else None,
    }
