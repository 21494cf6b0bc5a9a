"""Executions of a sandbox that is about to end: the engine would kill them with its main process, unasked."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.end_processes import signal_marked
from nexusctl.engine.docker.exec.exec import LOOK_TIMEOUT
from nexusctl.engine.docker.executions.listing import list_executions
from nexusctl.errors import EngineError
from nexusctl.model.observed.execution import Execution

PACE = 0.2
"""Seconds between two looks."""

SIGNAL = "TERM"
"""What asks a program to end; the sandbox's own `stop_signal` is what its main process understands."""


def ask_to_end(wire: Wire, inspected: Mapping[str, Any], patience: float) -> None:
    """Ask what runs in the container to end, and wait so many seconds for it; what cannot be reached is left alone."""
    container_id = str(inspected["Id"])
    until = time.monotonic() + patience

    def find_running() -> list[Execution]:
        left = min(max(until - time.monotonic(), PACE), LOOK_TIMEOUT)
        return [one for one in list_executions(wire, container_id, left) if one.state == "running"]

    with contextlib.suppress(EngineError):
        running = find_running()
        for one in running:
            signal_marked(wire, container_id, one.id, one.user, signal=SIGNAL)
        while running and time.monotonic() < until:
            time.sleep(PACE)
            running = find_running()
