"""The start and the end of a container. Whatever ends a sandbox asks it to first, and tells of a kill."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.hold_mark import name_cause, read_hold, read_past, write_past
from nexusctl.engine.docker.bodies.label_forms import find_fault, is_folder
from nexusctl.engine.docker.bodies.port_bindings import chooses_from_range
from nexusctl.engine.docker.client.answer import Answer
from nexusctl.engine.docker.client.claim_volume import bears, claim_mark
from nexusctl.engine.docker.client.client import FOREVER, Wire
from nexusctl.engine.docker.objects.pending_changes import sequence_of
from nexusctl.errors import Conflict, EngineError, EngineUnreachable, NotFound, is_out_of_space
from nexusctl.model.observed.history import Deed, DeedKind, tell_end
from nexusctl.model.observed.hold import Hold
from nexusctl.model.stack import STOP_GRACE_PERIOD
from nexusctl.model.values.late_regex import late_regex

KILLED = 137
"""The exit code of what was ended by SIGKILL."""

_LISTING_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds between looks at the list after an end; whoever is listed as running still has been started again."""

Inspected = Mapping[str, Any]

_NO_NETWORK = late_regex(r"network \S+ not found")

_ATTEMPTS = 10
"""As many as the engine itself makes where it may give any number."""


def start_container(wire: Wire, container_id: str) -> None:
    """Start it; one that runs already stays as it is.

    The engine does not see which ports are taken by others than its containers. Of a range it gives the next one at
    the next attempt.
    """
    for left in reversed(range(_ATTEMPTS)):
        try:
            wire.post(f"/containers/{container_id}/start")
        except EngineError as error:
            if _NO_NETWORK.search(str(error)):
                raise _say_no_network(error) from error
            if not left or not _is_port_taken(error) or not _chooses(wire, container_id):
                raise
        else:
            return


def _say_no_network(error: EngineError) -> EngineError:
    return EngineError(
        "a network that it was in was removed while it did not run",
        status=error.status,
        hint="`nexusctl apply` lets it join the one that is there by now, and starts it",
    )


def _is_port_taken(error: EngineError) -> bool:
    """By somebody who is no container of the engine's."""
    return "address already in use" in str(error)


def _chooses(wire: Wire, container_id: str) -> bool:
    return chooses_from_range(wire.get(f"/containers/{container_id}/json")["HostConfig"]["PortBindings"])


def stop_container(wire: Wire, container_id: str, grace: int | None = None) -> int | None:
    """See `Engine.stop_container`; one that does not run stays as it is."""
    killed = _stop(wire, wire.get(f"/containers/{container_id}/json"), grace)
    _await_listed(wire, container_id)
    return killed


def _stop(wire: Wire, inspected: Inspected, grace: int | None) -> int | None:
    took, patience = _ask(wire, inspected, "stop", grace)
    # What ends in time was not killed, and most do.
    if patience <= 0 or took < patience:
        return None
    state = wire.get(f"/containers/{inspected['Id']}/json")["State"]
    return patience if state["ExitCode"] == KILLED and not state["OOMKilled"] else None


def _await_listed(wire: Wire, container_id: str) -> None:
    """Newer engines list one as running for a moment after they have said that it is stopped."""
    for pause in _LISTING_PAUSES:
        listed = wire.get("/containers/json", {"all": True, "filters": {"id": [container_id]}})
        if not any(entry["State"] in ("running", "paused") for entry in listed):
            return
        time.sleep(pause)


def restart_container(wire: Wire, container_id: str, grace: int | None = None) -> int | None:
    """See `Engine.restart_container`; without a moment in which it is merely stopped."""
    inspected = wire.get(f"/containers/{container_id}/json")
    if not inspected["State"]["Running"]:
        _restart(wire, inspected, grace)
        return None
    # It runs again afterwards, so that only an event tells how it ended, and the engine remembers few of these.
    with wire.open("GET", "/events", {"filters": {"container": [container_id], "event": ["die"]}}) as events:
        took, patience = _restart(wire, inspected, grace)
        # What ends in time was not killed, and most do.
        if patience <= 0 or took < patience:
            return None
        if labels.EXIT_CODE in (inspected["Config"]["Labels"] or {}):
            return patience
        return patience if _read_exit_code(events) == str(KILLED) else None


def _restart(wire: Wire, inspected: Inspected, grace: int | None) -> tuple[float, int]:
    try:
        return _ask(wire, inspected, "restart", grace)
    except EngineError as error:
        if not _is_port_taken(error) and not _NO_NETWORK.search(str(error)):
            raise
        # It has ended.
        start_container(wire, inspected["Id"])
        return 0.0, 0


def _read_exit_code(events: Answer) -> str:
    """Of the first end that they tell of; empty where they do not."""
    try:
        return str(json.loads(next(iter(events), b""))["Actor"]["Attributes"][labels.EXIT_CODE])
    except (EngineUnreachable, ValueError, KeyError, TypeError):
        return ""


def remove_container(wire: Wire, container_id: str, grace: int | None = None) -> int | None:
    """See `Engine.remove_container`; its secrets go with it. Volumes are data, and go only where somebody says so."""
    with contextlib.suppress(NotFound):
        inspected = wire.get(f"/containers/{container_id}/json")
        killed = None
        # The engine resumes a paused one when it asks it to end.
        if inspected["State"]["Status"] in ("running", "restarting", "paused"):
            killed = _stop(wire, inspected, grace)
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


def note_hold(wire: Wire, stack: str, sandbox: str, container_id: str, hold: Hold) -> None:
    """See `Engine.note_hold`."""
    marks = {
        labels.STACK: stack,
        labels.SANDBOX: sandbox,
        labels.ROLE: "hold",
        labels.CONTAINER: container_id,
        f"{labels.HOLD}state": hold.state,
        f"{labels.HOLD}user": hold.user,
        f"{labels.HOLD}since": str(hold.since),
        **({f"{labels.HOLD}cause": cause} if (cause := name_cause(hold)) else {}),
    }
    name = f"nexusctl_hold_{container_id[:16]}"
    while not bears(claim_mark(wire, name, marks), marks):
        lift_hold(wire, stack, name)


def note_extension(wire: Wire, stack: str, sandbox: str, container_id: str, until: int, user: str) -> str:
    """See `Engine.note_extension`."""
    marks = {
        labels.STACK: stack,
        labels.SANDBOX: sandbox,
        labels.ROLE: "extension",
        labels.CONTAINER: container_id,
        f"{labels.EXTENSION}until": str(until),
        f"{labels.EXTENSION}user": user,
        f"{labels.EXTENSION}since": str(int(time.time())),
    }
    return str(claim_mark(wire, f"nexusctl_extension_{container_id[:16]}_{until}", marks)["Name"])


def note_deed(wire: Wire, stack: str, sandbox: str, container_id: str, kind: DeedKind, user: str) -> None:
    """See `Engine.note_deed`; `user` does it."""
    _add_deed(wire, stack, Deed(at=int(time.time()), sandbox=sandbox, kind=kind, user=user, container=container_id))


def lift_hold(wire: Wire, stack: str, name: str) -> None:
    """See `Engine.lift_hold`."""
    with contextlib.suppress(NotFound):
        entry = wire.get(f"/volumes/{name}")
        marks = entry["Labels"] or {}
        hold = read_hold(entry, labels.read_seconds(marks.get(f"{labels.HOLD}since", "")))
        sandbox, container = marks.get(labels.SANDBOX, ""), marks.get(labels.CONTAINER, "")
        if marks.get(labels.STACK) == stack and not find_fault("volume", name, marks):
            _add_deed(wire, stack, tell_end(hold, sandbox, container, present=True))
        wire.delete(f"/volumes/{name}")


def _add_deed(wire: Wire, stack: str, deed: Deed) -> None:
    known = {labels.STACK: stack, labels.CONTAINER: deed.container, labels.ROLE: "past"}
    own = {"filters": {"label": [f"{key}={value}" for key, value in known.items()]}}
    earlier = sorted(wire.get("/volumes", own)["Volumes"] or [], key=sequence_of)
    number = sequence_of(earlier[-1]) + 1 if earlier else 1
    deeds = (*(read_past(earlier[-1]) if earlier else ()), deed)
    marks = {
        **known,
        labels.SANDBOX: deed.sandbox,
        labels.SEQUENCE: str(number),
        labels.PAST: write_past(deeds),
    }
    claim_mark(wire, f"nexusctl_past_{deed.container[:16]}_{number}", marks)
    for entry in earlier:
        with contextlib.suppress(NotFound):
            wire.delete(f"/volumes/{entry['Name']}")


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


def _ask(wire: Wire, inspected: Inspected, verb: str, grace: int | None) -> tuple[float, int]:
    """Stop or restart it; returns the seconds that this took, and those that it was given."""
    patience = _own_grace(inspected) if grace is None else grace
    begun = time.monotonic()
    left = patience
    if inspected.get("ExecIDs") and patience and inspected["State"]["Status"] == "running":
        # In most sandboxes that end nothing runs beside the main process.
        from nexusctl.engine.docker.executions.ask_to_end import ask_to_end  # noqa: PLC0415 - deferred: start-up time

        ask_to_end(wire, inspected, patience if patience > 0 else FOREVER)
        left = max(1, round(patience - (time.monotonic() - begun))) if patience > 0 else patience
    path, query = f"/containers/{inspected['Id']}/{verb}", {"t": left}
    # One that says -1 is never killed.
    wire.call("POST", path, query, timeout=FOREVER if patience < 0 else patience + wire.timeout)
    return time.monotonic() - begun, patience


def _own_grace(inspected: Inspected) -> int:
    """What the container itself says."""
    found = inspected["Config"].get("StopTimeout")
    return STOP_GRACE_PERIOD if found is None else int(found)
