"""Images that bring no health check of their own: asked only where somebody waits for one."""

from __future__ import annotations

from collections.abc import Collection

from nexusctl.engine.awaited_health import list_awaited
from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound
from nexusctl.model.stack import Stack


def find_unprobed(wire: Wire, stack: Stack, images: Collection[str]) -> frozenset[str]:
    """Those of `images` that have no health check, though a sandbox of `stack` waits for what runs on them."""
    return frozenset(ref for ref in {*list_awaited(stack)} if ref in images and not _has_check(wire, ref))


def _has_check(wire: Wire, reference: str) -> bool:
    try:
        test = (wire.get(f"/images/{reference}/json")["Config"].get("Healthcheck") or {}).get("Test") or []
    except NotFound:
        # It has gone meanwhile, and nobody knows.
        return True
    return bool(test) and test[0] != "NONE"
