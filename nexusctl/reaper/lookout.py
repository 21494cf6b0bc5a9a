"""Somebody who looks all the time, and so knows how old things are, and for how long nothing has happened in them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from nexusctl.api.connection import Engine
from nexusctl.errors import NexusError
from nexusctl.model.observed.live import LiveState
from nexusctl.reaper.idleness import count_idle, follow
from nexusctl.reaper.sightings import Moment, Sightings, look, steady


class Lookout:
    """Holds what it has `seen`; threads may weigh while another looks."""

    def __init__(self, seen: Sightings | None = None) -> None:
        self._engine: Engine | None = None
        self._mutex = threading.Lock()
        self._seen = seen or Sightings()

    @property
    def seen(self) -> Sightings:
        with self._mutex:
            return self._seen

    def look(self, engine: Engine) -> tuple[LiveState, ...]:
        """The sandboxes of all stacks as they are now. Raises `EngineError`."""
        states = engine.survey()
        now = read_clocks()
        seen = look(self.seen, now, states)
        seen = replace(seen, traces=follow(seen.traces, now.uptime, _find_activity(engine, states)))
        with self._mutex:
            self._engine, self._seen = engine, seen
        return states

    def weigh(self, live: LiveState) -> tuple[LiveState, dict[str, float]]:
        """`live` with the times that count, and the seconds for which containers are idle, by id."""
        seen, uptime = self.seen, read_clocks().uptime
        return steady(seen, uptime, live), count_idle(seen.traces, uptime)

    def weigh_again(self, live: LiveState) -> tuple[LiveState, dict[str, float]]:
        """Behind the lock: what has begun since the last look is in flight as well.

        So is what computes, and gets as little of a busy machine as others that wait.
        """
        found, idle = self.weigh(live)
        engine = self._engine
        busy = {key for key, (is_busy, _) in _find_activity(engine, [live]).items() if is_busy} if engine else set()
        own = {sandbox.id for sandbox in live.sandboxes} - busy
        busy |= {key for key in own & idle.keys() if engine and _computes(engine, key)}
        return found, {key: seconds for key, seconds in idle.items() if key not in busy}


def _find_activity(engine: Engine, states: Iterable[LiveState]) -> dict[str, tuple[bool, float]]:
    """Of those that end when they are idle, by container. What cannot be looked at is busy."""
    found = {}
    for sandbox in (sandbox for live in states for sandbox in live.sandboxes):
        if sandbox.state == "running" and sandbox.record and sandbox.record.idle_timeout is not None:
            try:
                ports = sorted({port.container for port in sandbox.ports if port.protocol == "tcp"})
                found[sandbox.id] = engine.read_activity(sandbox.id, ports)
            except NexusError:
                found[sandbox.id] = (True, 0.0)
    return found


def _computes(engine: Engine, container_id: str) -> bool:
    try:
        return engine.is_computing(container_id)
    except NexusError:
        # What cannot be looked at is busy here, too.
        return True


def read_clocks() -> Moment:
    """Of this machine; where its kernel tells less, the clock of this process stands for that since boot."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return Moment(boot=boot, uptime=time.clock_gettime(time.CLOCK_BOOTTIME), wall=time.time())
    except (OSError, AttributeError):
        return Moment(boot="", uptime=time.monotonic(), wall=time.time())
