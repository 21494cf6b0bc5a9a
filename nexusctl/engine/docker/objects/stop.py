"""The end of a container: stop, restart, remove. Whatever ends a sandbox asks it to first, and tells of a kill."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.label_forms import is_folder
from nexusctl.engine.docker.client.client import FOREVER, Wire
from nexusctl.errors import Conflict, EngineError, NotFound, is_out_of_space
from nexusctl.model.stack import STOP_GRACE_PERIOD

KILLED = 137
"""The exit code of what was ended by SIGKILL."""

Inspected = Mapping[str, Any]


def stop_container(wire: Wire, container_id: str, grace: int | None = None) -> int | None:
    """See `Engine.stop_container`; one that does not run stays as it is."""
    took, patience = _ask(wire, container_id, "stop", grace)
    # What ends in time was not killed, and most do.
    if patience <= 0 or took < patience:
        return None
    state = wire.get(f"/containers/{container_id}/json")["State"]
    return patience if state["ExitCode"] == KILLED and not state["OOMKilled"] else None


def restart_container(wire: Wire, container_id: str, grace: int | None = None) -> int | None:
    """See `Engine.restart_container`; without a moment in which it is merely stopped."""
    took, patience = _ask(wire, container_id, "restart", grace)
    if patience <= 0 or took < patience:
        return None
    # It runs again, so that only the engine's events still know how it ended.
    ended = float(_seconds(wire.get(f"/containers/{container_id}/json")["State"]["FinishedAt"]))
    query = {
        "since": int(ended) - 1,
        "until": int(ended) + 1,
        "filters": {"container": [container_id], "event": ["die"]},
    }
    codes = [event["Actor"]["Attributes"].get("exitCode") for event in wire.lines("GET", "/events", query)]
    return patience if str(KILLED) in codes else None


def remove_container(wire: Wire, container_id: str, grace: int | None = None) -> int | None:
    """See `Engine.remove_container`; its secrets go with it. Volumes are data, and go only where somebody says so."""
    with contextlib.suppress(NotFound):
        inspected = wire.get(f"/containers/{container_id}/json")
        killed = None
        # The engine resumes a paused one when it asks it to end.
        if inspected["State"]["Status"] in ("running", "restarting", "paused"):
            killed = stop_container(wire, container_id, grace)
        # Before the container goes: with it goes the label that says where they are.
        wiped = _wipe_secrets(wire, inspected)
        try:
            wire.delete(f"/containers/{container_id}", {"force": True})
        except Conflict as error:
            # Somebody else removes it at this moment.
            if "already in progress" not in str(error):
                raise
        if not wiped:
            # Perhaps there is space now. If not, their deed leads the next one to them.
            _wipe_secrets(wire, inspected)
        return killed
    return None


def _wipe_secrets(wire: Wire, inspected: Inspected) -> bool:
    """Remove the secrets of a container, where it has any; whether there was the space that this takes."""
    found = inspected["Config"]["Labels"] or {}
    if not (folder := found.get(labels.SECRETS)):
        return True
    # See `containers.create_container`.
    from nexusctl.engine.docker.files.secret_files import wipe_secrets  # noqa: PLC0415 - deferred: start-up time

    if not is_folder(folder):
        # Somebody has written that label, and it leads nowhere.
        return True
    try:
        wipe_secrets(wire, inspected["Id"], found[labels.STACK], inspected["Image"], folder)
    except EngineError as error:
        if not is_out_of_space(error):
            raise
        return False
    return True


def _ask(wire: Wire, container_id: str, verb: str, grace: int | None) -> tuple[float, int]:
    """Stop or restart it; returns the seconds that this took, and those that it was given."""
    patience = _own_grace(wire, container_id) if grace is None else grace
    begun = time.monotonic()
    path, query = f"/containers/{container_id}/{verb}", {"t": patience}
    # One that says -1 is never killed.
    wire.call("POST", path, query, timeout=FOREVER if patience < 0 else patience + wire.timeout)
    return time.monotonic() - begun, patience


def _own_grace(wire: Wire, container_id: str) -> int:
    """What the container itself says."""
    found = wire.get(f"/containers/{container_id}/json")["Config"].get("StopTimeout")
    return STOP_GRACE_PERIOD if found is None else int(found)


def _seconds(text: str) -> float:
    from datetime import datetime  # noqa: PLC0415 - deferred: start-up time

    return datetime.fromisoformat(text).timestamp()
