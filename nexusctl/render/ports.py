"""Where ports are reached, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nexusctl.model.observed.published import Published
from nexusctl.render.format import FORMAT_VERSION


def ports_document(ports: Iterable[Published]) -> dict[str, Any]:
    told = [{"sandbox": one.sandbox, "port": one.port, "place": one.place, "url": one.url} for one in ports]
    return {"format_version": FORMAT_VERSION, "ports": told}


def describe_reached(ports: Iterable[Published]) -> str:
    """A line for each that has another number now."""
    return "".join(f"{one.sandbox}: port {one.port} is reached at {one.place} now.\n" for one in ports)
