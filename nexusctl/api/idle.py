"""For how long nothing has happened in sandboxes, by what the reaper has seen. Changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain

from nexusctl.engine.base import Engine
from nexusctl.errors import EngineError
from nexusctl.model.engine_names import REAPER, container_name
from nexusctl.plan.commands.status import SandboxStatus

JOURNAL = "/var/lib/nexusctl-reaper.json"
"""Where the reaper writes in its container what it has seen."""

LONGEST = 4 * 1024 * 1024
"""Bytes of its journal that are read; it has some hundred for each container."""


def with_idle(engine: Engine, statuses: Iterable[SandboxStatus]) -> tuple[SandboxStatus, ...]:
    """`statuses` with the seconds for which those that end when they are idle have been so at the reaper's last look.

    Nothing is said where no reaper runs, or it has not seen them yet.
    """
    found = tuple(statuses)
    if not any(one.idle_timeout is not None and one.state == "running" for one in found):
        return found
    idle = _read_journal(engine)
    return tuple(
        replace(one, idle=idle[one.container_id]) if one.state == "running" and one.container_id in idle else one
        for one in found
    )


def _read_journal(engine: Engine) -> Mapping[str, float]:
    """The seconds by container. What cannot be read says nothing: who may use the engine may have written it."""
    try:
        reaper = container_name(REAPER, "reaper")
        if engine.condition(reaper).state != "running":
            return {}
        entry = next(iter(engine.fetch(reaper, JOURNAL)), None)
        if entry is None or entry.kind != "file" or entry.size > LONGEST:
            return {}
        traces = json.loads(bytes(chain.from_iterable(entry.pieces)))["traces"]
        return {str(key): max(0.0, float(looked) - float(active)) for key, (looked, _, active) in traces.items()}
    except (EngineError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
