"""Origins as text: a value a line, where it was set, and what it was set over."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from nexusctl.config.export.origins import Assignment, Origin
from nexusctl.config.export.redact_paths import Path
from nexusctl.config.export.standalone import TEXTS, as_json
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.text_style import paint

WIDEST = 60


def render_origins(origins: Iterable[Origin], *, color: bool = False) -> str:
    """Lines that end with a line end."""
    return "".join(f"{line}\n" for origin in origins for line in _lines(origin, color))


def origins_document(stack: str, origins: Iterable[Origin]) -> dict[str, Any]:
    """The same as JSON."""
    return {"format_version": FORMAT_VERSION, "stack": stack, "values": [_entry(origin) for origin in origins]}


def _lines(origin: Origin, color: bool) -> Iterable[str]:
    name = paint(_dotted(origin.path), "bold", color=color)
    yield f"{name}: deleted" if origin.deleted else f"{name}: {_shown(origin.value, origin)}"
    written = f", as {_shown(origin.written, origin)}" if origin.written else ""
    yield f"    {_where(origin)}{written}"
    if origin.source:
        yield f"    from {_where(origin.source)}"
    for setting in origin.overrode:
        yield f"    over {_where(setting)}: {_shown(setting.value, origin)}"


def _where(setting: Origin | Assignment) -> str:
    return str(setting.place or setting.by or "nexusctl's default")


def _shown(value: Any, origin: Origin) -> str:
    text = json.dumps(_plain(value, origin), ensure_ascii=False)
    return text if len(text) <= WIDEST else text[:WIDEST] + "..."


def _plain(value: Any, origin: Origin) -> Any:
    return as_json(value, texts=not TEXTS.isdisjoint(origin.path))


def _dotted(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _entry(origin: Origin) -> dict[str, Any]:
    entry: dict[str, Any] = {"path": list(origin.path), "value": _plain(origin.value, origin), **_place(origin)}
    if origin.written:
        entry["written"] = origin.written
    if origin.deleted:
        entry["deleted"] = True
    if origin.source:
        entry["from"] = _place(origin.source)
    over = origin.overrode
    entry["overrode"] = [{"value": _plain(setting.value, origin), **_place(setting)} for setting in over]
    return entry


def _place(setting: Origin | Assignment) -> dict[str, Any]:
    place = setting.place
    if place is None:
        return {"by": setting.by} if setting.by else {"default": True}
    return {"file": place.file, "line": place.line, "column": place.column}
