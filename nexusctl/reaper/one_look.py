"""What somebody knows of ages who looks once and remembers nothing: what the engine says of them, and not a clock here.

Clocks are set, also an engine's. So what is to end is told by the engine's clock, and what runs is as old as it was at
its last start, by the engine's records, and the time that its main process has run since, which the kernel counts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from nexusctl.api.connection import Engine
from nexusctl.api.lifetimes.reap import Weigh, list_due
from nexusctl.errors import EngineError
from nexusctl.model.observed.live import LiveState
from nexusctl.reaper.sightings import Sightings, steady


def weigh_once(engine: Engine) -> Weigh:
    """By what `engine` tells now; nobody can say then what is idle. Raises `EngineError`."""
    now, begun = engine.overview.now(), time.monotonic()

    def weigh(live: LiveState) -> tuple[LiveState, Mapping[str, float]]:
        live = replace(live, observed_at=int(now + time.monotonic() - begun))
        due = list_due(live)
        ages = {found.id: _read_age(engine, found.id) for found in live.sandboxes if found.sandbox in due}
        # Where nobody has set a clock the two differ by less than a second, and more than it is nothing is.
        born = {key: -age for key, age in ages.items() if age is not None}
        return (steady(Sightings(born=born), 0.0, live) if born else live), {}

    return weigh


def _read_age(engine: Engine, container_id: str) -> float | None:
    try:
        return engine.read_age(container_id)
    except EngineError:
        # It has gone meanwhile, or its engine has no such list of processes.
        return None
