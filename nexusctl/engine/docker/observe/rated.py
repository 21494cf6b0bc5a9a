"""What an engine and its images say that a rating asks for. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound
from nexusctl.rating.facts import EngineReport, ImageFacts

_OWN_NETWORK = "bridge"


def read_engine(wire: Wire) -> EngineReport:
    """What the engine behind `wire` says of itself. Raises `EngineError`."""
    endpoint = wire.endpoint
    try:
        bridge = wire.get(f"/networks/{_OWN_NETWORK}").get("Options") or {}
    except NotFound:
        bridge = None
    return EngineReport(
        url=endpoint.url,
        encrypted=bool(endpoint.tls),
        info=wire.get("/info"),
        version=wire.get("/version"),
        bridge=bridge,
    )


def read_image(wire: Wire, references: Iterable[str]) -> ImageFacts | None:
    """The first of `references` that is on the engine; None where none is. Raises `EngineError`."""
    for reference in references:
        try:
            config: dict[str, Any] = wire.get(f"/images/{reference}/json").get("Config") or {}
        except NotFound:
            continue
        check = config.get("Healthcheck")
        test = check.get("Test") if isinstance(check, dict) else None
        return ImageFacts(user=str(config.get("User") or ""), checked=bool(test) and test != ["NONE"])
    return None
