"""For how long nothing has happened in containers. Pure: what was found, and when, are arguments."""

from __future__ import annotations

from collections.abc import Mapping

from nexusctl.model.values.frozen import dataclass

THRESHOLD = 0.05
"""Of a processor: a health check every few seconds, and a server that waits, use less."""

BLIND = 90.0
"""Seconds between two looks after which nobody can say what happened in between: they count for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """At `looked` it had used `cpu` seconds of processors; something last happened at `active`. Both are uptimes."""

    looked: float
    cpu: float
    active: float


def follow(before: Mapping[str, Trace], uptime: float, found: Mapping[str, tuple[bool, float]]) -> dict[str, Trace]:
    """The traces after another look, which has `found` by container whether it is busy, and the `cpu` that it has used.

    What is seen for the first time has been active a moment ago.
    """
    return {key: _follow(before.get(key), uptime, *what) for key, what in found.items()}


def _follow(last: Trace | None, uptime: float, busy: bool, cpu: float) -> Trace:
    if last is None or busy or cpu < last.cpu or uptime <= last.looked:
        # One that was started again counts from nothing.
        return Trace(looked=uptime, cpu=cpu, active=uptime)
    passed = uptime - last.looked
    if (cpu - last.cpu) / passed >= THRESHOLD:
        return Trace(looked=uptime, cpu=cpu, active=uptime)
    return Trace(looked=uptime, cpu=cpu, active=last.active + (passed if passed > BLIND else 0.0))


def count_idle(traces: Mapping[str, Trace], uptime: float) -> dict[str, float]:
    """The seconds for which nothing has happened, by container. What was not looked at just now is not idle."""
    return {key: uptime - found.active for key, found in traces.items() if uptime - found.looked <= BLIND}


def as_lists(traces: Mapping[str, Trace]) -> dict[str, list[float]]:
    """For a journal."""
    return {key: [found.looked, found.cpu, found.active] for key, found in traces.items()}


def from_lists(found: Mapping[str, list[float]]) -> dict[str, Trace]:
    """What `as_lists` gave. Raises `ValueError`, `TypeError`, `AttributeError` for anything else."""
    traces = {}
    for key, numbers in found.items():
        looked, cpu, active = map(float, numbers)
        traces[str(key)] = Trace(looked=looked, cpu=cpu, active=active)
    return traces
