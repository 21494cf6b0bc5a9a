"""What only a look at the single container tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime
from math import inf
from typing import Any

from nexusctl.engine.condition import Condition
from nexusctl.engine.docker.bodies.create_body import read_limits
from nexusctl.engine.docker.bodies.list_status import STATES
from nexusctl.engine.docker.bodies.port_bindings import read_published
from nexusctl.engine.docker.bodies.settings import read_capabilities, read_settings
from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound
from nexusctl.model.observed.live import HealthState, Inspection, LiveSandbox
from nexusctl.model.stack import RestartPolicy

Inspected = Mapping[str, Any]

WORKERS = 8

AHEAD = 32
"""Questions that are under way at a time."""

KILLED = 137
"""The exit code of a process that got SIGKILL."""

_HEALTH: Mapping[str, HealthState] = {"starting": "starting", "healthy": "healthy", "unhealthy": "unhealthy"}
RESTART_POLICIES: Mapping[str, RestartPolicy] = {
    "always": "always",
    "on-failure": "on-failure",
    "unless-stopped": "unless-stopped",
}


def identify(wire: Wire) -> str:
    """The engine's own id. Podman makes a new one up for every answer."""
    parts = wire.get("/version").get("Components") or ()
    if any("podman" in str(part.get("Name", "")).lower() for part in parts):
        return ""
    return str(wire.get("/info").get("ID") or "")


def inspect_all(wire: Wire, sandboxes: Iterable[LiveSandbox]) -> tuple[LiveSandbox, ...]:
    """Each sandbox with its inspection; those that have gone meanwhile are left out."""
    # A plan without a look inside needs no threads.
    from nexusctl.engine.threads import open_crew  # noqa: PLC0415 - deferred: start-up time

    with open_crew(WORKERS) as pool:
        found = pool.map(lambda sandbox: _inspect(wire, sandbox), sandboxes)
        return tuple(sandbox for sandbox in found if sandbox)


def read_created(wire: Wire, container_id: str) -> float:
    """When a container was made, in seconds since 1970; later than any other where nobody can tell any more."""
    try:
        return datetime.fromisoformat(str(wire.get(f"/containers/{container_id}/json")["Created"])).timestamp()
    except (NotFound, KeyError, ValueError):
        return inf


def read_origins(wire: Wire, sandboxes: Iterable[LiveSandbox]) -> tuple[LiveSandbox, ...]:
    """Each sandbox with the reference that it was created from; a list has an id where that means another image now."""
    return tuple(_read_origin(wire, found) if found.image.startswith("sha256:") else found for found in sandboxes)


def read_aliases(wire: Wire, sandboxes: Sequence[LiveSandbox]) -> tuple[LiveSandbox, ...]:
    """Those whose files give them further names, with the names under which others find them now."""
    asked = [found.id for found in sandboxes if found.record and found.record.aliases]
    known: dict[str, dict[str, tuple[str, ...]]] = {}
    for first in range(0, len(asked), AHEAD):
        known |= _ask_aliases(wire, asked[first : first + AHEAD])
    return tuple(replace(found, aliases=known[found.id]) if found.id in known else found for found in sandboxes)


def _ask_aliases(wire: Wire, ids: Iterable[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Of each that is still there. An engine has no call for several, so all are asked before the first is heard."""
    known = {}
    with ExitStack() as stack:
        answers = {one: stack.enter_context(wire.ask_ahead(f"/containers/{one}/json")) for one in ids}
        for one, read in answers.items():
            with suppress(NotFound):
                known[one] = _read_aliases(read())
    return known


def _read_origin(wire: Wire, sandbox: LiveSandbox) -> LiveSandbox:
    try:
        return replace(sandbox, image=str(wire.get(f"/containers/{sandbox.id}/json")["Config"]["Image"]))
    except NotFound:
        return sandbox


def look_at(wire: Wire, container_id: str) -> Condition:
    """How a container is now. Raises `NotFound`."""
    inspected = wire.get(f"/containers/{container_id}/json")
    condition = read_condition(inspected)
    if condition.exit_code == KILLED and not condition.killed_for_memory:
        return replace(condition, killed_for_memory=_ran_out_of_memory(wire, inspected))
    return condition


def read_condition(inspected: Inspected) -> Condition:
    """State, health, exit code and the last words of the probe of an inspected container."""
    found = inspected["State"]
    state = STATES.get(found["Status"], "dead")
    return Condition(
        state=state,
        health=_HEALTH.get((found.get("Health") or {}).get("Status", ""), "none") if state == "running" else "none",
        exit_code=int(found["ExitCode"]) if state in ("exited", "dead", "restarting") else None,
        restarts=int(inspected.get("RestartCount") or 0),
        killed_for_memory=bool(found.get("OOMKilled")),
        probe_output=_read_probe(found),
        ports=read_published(inspected),
    )


def _inspect(wire: Wire, sandbox: LiveSandbox) -> LiveSandbox | None:
    try:
        inspected = wire.get(f"/containers/{sandbox.id}/json", {"size": True})
    except NotFound:
        # A task that has ended outlives its container.
        return sandbox if sandbox.end else None
    config, state = inspected["HostConfig"], inspected["State"]
    inspection = Inspection(
        resources=read_limits(config),
        restart=RESTART_POLICIES.get((config.get("RestartPolicy") or {}).get("Name", ""), "no"),
        image=str(inspected["Config"]["Image"]),
        started_at=_read_time(state.get("StartedAt", "")),
        finished_at=_read_time(state.get("FinishedAt", "")),
        writable_bytes=inspected.get("SizeRw"),
        probe_output=_read_probe(state),
        settings={**read_settings(inspected), **read_capabilities(inspected, sandbox.record)},
    )
    now = read_condition(inspected)
    if now.state != sandbox.state and (now.state, sandbox.state) != ("running", "restarting"):
        # It was listed before that, or by an engine whose lists come a moment late.
        code = None if now.state == "restarting" else now.exit_code
        sandbox = replace(sandbox, state=now.state, health=now.health, exit_code=code)
    if now.restarts and sandbox.state in ("running", "restarting"):
        sandbox = replace(sandbox, restarts=now.restarts)
    return replace(sandbox, inspection=inspection, aliases=_read_aliases(inspected))


def _read_aliases(inspected: Inspected) -> dict[str, tuple[str, ...]]:
    """By the networks' ids; a container that never started may not know those."""
    places = ((inspected.get("NetworkSettings") or {}).get("Networks") or {}).values()
    return {
        place["NetworkID"]: tuple(place.get("Aliases") or ()) for place in places if place and place.get("NetworkID")
    }


def _read_probe(state: Inspected) -> str:
    log = (state.get("Health") or {}).get("Log") or []
    return str(log[-1]["Output"]).strip() if log else ""


def _read_time(text: str) -> str:
    """The engine's year 1 stands for never."""
    return "" if text.startswith("0001-") else text


def _ran_out_of_memory(wire: Wire, inspected: Inspected) -> bool:
    """Whether the kernel ended a sandbox for want of memory; asked of one that ended by SIGKILL.

    The engine notes it for the first process only, reports it as an event for all, and misses both where it
    happens within the first milliseconds. So a sandbox with a limit that nobody killed through the engine counts, too.
    """
    if not read_limits(inspected["HostConfig"]).memory:
        return False
    query = {
        "since": int(_read_seconds(inspected["State"]["StartedAt"])),
        "until": int(_read_seconds(inspected["State"]["FinishedAt"])) + 1,
        "filters": {"container": [inspected["Id"]], "event": ["oom", "kill"]},
    }
    events = [str(event["Action"]) for event in wire.lines("GET", "/events", query)]
    return "oom" in events or "kill" not in events


def _read_seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
