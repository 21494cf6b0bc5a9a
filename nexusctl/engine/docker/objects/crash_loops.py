"""Containers that end again and again: a list shows each of them at one moment only, and they may run just then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nexusctl.engine.docker.bodies.list_status import is_fresh
from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound
from nexusctl.model.observed.live import LiveSandbox

FEW = 3


def read_restarts(wire: Wire, found: LiveSandbox, entry: Mapping[str, Any]) -> LiveSandbox:
    """`found`, as `entry` lists it, with how often the engine has started it again, where that may be so.

    One that runs for a few seconds after that is restarting still, as the engine itself sees it: it waits longer before
    each restart until one has lasted.
    """
    if not may_restart(found, str(entry["Status"])):
        return found
    try:
        return judge_restarts(found, int(wire.get(f"/containers/{found.id}/json").get("RestartCount") or 0))
    except NotFound:
        return found


def judge_restarts(found: LiveSandbox, restarts: int) -> LiveSandbox:
    """One that `may_restart`, and that the engine has started again so often. Pure."""
    # With a check that has yet to pass a few tries are no loop: it may wait for something that comes.
    enough = FEW if found.health == "starting" else 1
    if restarts >= enough or found.state == "restarting":
        return replace(found, state="restarting", restarts=restarts)
    return found


def may_restart(found: LiveSandbox, status: str) -> bool:
    """Whether it may be in a loop, as far as a list tells. Pure."""
    if found.state == "restarting":
        return True
    told = found.record is None or found.record.restart != "no"
    return told and found.state == "running" and found.health != "healthy" and is_fresh(status)
