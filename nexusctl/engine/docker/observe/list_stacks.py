"""Which stacks there are on an engine."""

from __future__ import annotations

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire


def list_stacks(wire: Wire) -> frozenset[str]:
    """The names that the labels of containers, networks and volumes have for stacks."""
    marked = {"filters": {"label": [labels.STACK]}}
    entries = [
        *wire.get("/containers/json", {"all": True, **marked}),
        *wire.get("/networks", marked),
        *(wire.get("/volumes", marked)["Volumes"] or []),
    ]
    return frozenset((entry["Labels"] or {}).get(labels.STACK, "") for entry in entries) - {""}
