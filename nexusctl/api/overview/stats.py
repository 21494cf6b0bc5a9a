"""What sandboxes use, and what runs in them. Changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping

from nexusctl.api.inspection import choose_live, find_running, find_sandboxes
from nexusctl.engine.base import Engine
from nexusctl.engine.threads import open_crew
from nexusctl.errors import NotFound
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.observed.usage import Processes, Usage
from nexusctl.model.stack import Stack
from nexusctl.plan.commands.status import SandboxStats, SandboxStatus

_WORKERS = 16


def watch_stats(
    engine: Engine, stack: Stack, names: tuple[str, ...], interval: float
) -> Iterator[tuple[SandboxStats, ...]]:
    """Those that `names` mean, all where none is given, every `interval` seconds; those that join are among them.

    The first one takes an interval, too. Raises `InputError` for a name that means none when it begins, `EngineError`.
    """
    before = _sample(engine, find_sandboxes(engine, stack, names))
    while True:
        time.sleep(interval)
        chosen = choose_live(engine, stack, names, must_exist=False)
        now = _sample(engine, [live for live, _ in chosen])
        yield tuple(_describe(found, now.get(live.id), before.get(live.id)) for live, found in chosen)
        before = now


def list_processes(engine: Engine, stack: Stack, name: str) -> tuple[LiveSandbox, Processes]:
    """Raises `InputError` where the sandbox does not run, `EngineError`."""
    live = find_running(engine, stack, name)
    return live, engine.overview.list_processes(live.id)


def _describe(found: SandboxStatus, usage: Usage | None, before: Usage | None) -> SandboxStats:
    percent = usage.cpu_percent(before) if usage and before else None
    return SandboxStats(status=found, cpu_percent=percent, usage=usage)


def _sample(engine: Engine, chosen: Iterable[LiveSandbox]) -> Mapping[str, Usage]:
    def ask(live: LiveSandbox) -> Usage | None:
        try:
            return engine.overview.usage(live.id)
        except NotFound:
            # It has gone meanwhile.
            return None

    running = [live for live in chosen if live.state in ("running", "paused")]
    with open_crew(_WORKERS) as crew:
        found = zip(running, crew.map(ask, running), strict=True)
        return {live.id: usage for live, usage in found if usage}
