"""Origins as text: a value a line, where it was set, and what it was set over."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from nexusctl.config.origin import Origin, Path
from nexusctl.config.resolved import as_json
from nexusctl.errors import Location
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.style import paint

WIDEST = 60


def render_origins(origins: Iterable[Origin], *, color: bool = False) -> str:
    """Lines that end with a line end."""
    return "".join(f"{line}\n" for origin in origins for line in _lines(origin, color))


def origins_document(stack: str, origins: Iterable[Origin]) -> dict[str, Any]:
    """The same as JSON."""
    return {"format_version": FORMAT_VERSION, "stack": stack, "values": [_entry(origin) for origin in origins]}


def _lines(origin: Origin, color: bool) -> Iterable[str]:
    name = paint(_dotted(origin.path), "bold", color=color)
    yield f"{name}: deleted" if origin.deleted else f"{name}: {_shown(origin.value)}"
    written = f", as {_shown(origin.written)}" if origin.written else ""
    yield f"    {_where(origin.place)}{written}"
    for setting in origin.overrode:
        yield f"    over {_where(setting.place)}: {_shown(setting.value)}"


def _where(place: Location | None) -> str:
    return str(place) if place else "nexusctl's default"


def _shown(value: Any) -> str:
    text = json.dumps(as_json(value), ensure_ascii=False)
    return text if len(text) <= WIDEST else text[:WIDEST] + "..."


def _dotted(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _entry(origin: Origin) -> dict[str, Any]:
    entry: dict[str, Any] = {"path": list(origin.path), "value": as_json(origin.value), **_place(origin.place)}
    if origin.written:
        entry["written"] = origin.written
    if origin.deleted:
        entry["deleted"] = True
    entry["overrode"] = [{"value": as_json(setting.value), **_place(setting.place)} for setting in origin.overrode]
    return entry


def _place(place: Location | None) -> dict[str, Any]:
    if place is None:
        return {"default": True}
    return {"file": place.file, "line": place.line, "column": place.column}
