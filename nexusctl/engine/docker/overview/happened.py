"""What the engine remembers of a stack's sandboxes, and tells of them as it happens.

It remembers its last 256 events, those of probes and commands among them, until it is restarted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import FOREVER, Wire
from nexusctl.engine.docker.observe.observe import is_sandbox
from nexusctl.errors import EngineUnreachable
from nexusctl.model.observed.sandbox_event import EventKind, SandboxEvent
from nexusctl.model.values.from_json import is_name

_KINDS: Mapping[str, EventKind] = {
    "create": "created",
    "start": "started",
    "die": "died",
    "oom": "oom",
    "health_status": "health",
    "pause": "paused",
    "unpause": "resumed",
    "stop": "stopped",
    "destroy": "removed",
}

_KILL = "kill"
_KILLS = ("9", "KILL", "SIGKILL")

_LONGEST_TEXT = 200
"""Characters of what anybody may have written into a label."""


def read_clock(wire: Wire) -> float:
    return datetime.fromisoformat(str(wire.get("/info")["SystemTime"])).timestamp()


def read_events(
    wire: Wire, stack: str, known: Mapping[str, str], since: float, until: float | None
) -> Iterator[SandboxEvent]:
    """See `Overview.read_events`.

    The engine chooses by labels, which a container that was taken over does not have: so it is asked for all there are.
    """
    query = {"since": f"{since:.9f}", "filters": {"type": ["container"], "event": [*_KINDS, _KILL]}}
    query |= {} if until is None else {"until": f"{until:.9f}"}
    hidden: set[str] = set()
    killed: set[str] = set()
    for message in wire.lines("GET", "/events", query, timeout=FOREVER if until is None else None):
        if kill := _read_kill(message):
            killed.add(kill)
        elif found := read_event(message, stack, known):
            # Of no other event the engine tells an exit code: it is a label, which hides that of the end.
            if found.kind != "died" and labels.EXIT_CODE in message["Actor"]["Attributes"]:
                hidden.add(found.container_id)
            if found.kind in ("died", "stopped"):
                # The engine tells of a stop after the end, and of its kill where that took too long before it.
                found = replace(found, killed=found.container_id in killed)
            elif found.kind in ("started", "removed"):
                killed.discard(found.container_id)
            yield replace(found, exit_code=None) if found.container_id in hidden else found
    if until is None:
        raise EngineUnreachable(
            f"the engine at {wire.endpoint.url} has ended them", hint="see `nexusctl engine status`"
        )


def _read_kill(message: Any) -> str:
    """The id of the container that somebody has let the engine kill; empty for any other event."""
    try:
        actor = message["Actor"]
        if message["Action"] == _KILL and str(actor["Attributes"]["signal"]) in _KILLS:
            return str(actor["ID"])
    except (AttributeError, KeyError, TypeError):
        pass
    return ""


def read_event(message: Any, stack: str, known: Mapping[str, str]) -> SandboxEvent | None:
    """None for what is none of the stack's sandboxes, or what nobody can make sense of."""
    try:
        actor, (action, _, more) = message["Actor"], message["Action"].partition(": ")
        container_id, found, when = actor["ID"], actor["Attributes"] or {}, int(message["timeNano"]) / 10**9
        name = known.get(container_id) or (found[labels.SANDBOX] if is_sandbox({"Labels": found}, stack) else "")
        kind, code, maker = _KINDS.get(action), str(found.get(labels.EXIT_CODE, "")), str(found.get(labels.MAKER, ""))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    if kind is None or not is_name(name) or not is_name(container_id):
        return None
    return SandboxEvent(
        time=when,
        sandbox=name,
        container_id=container_id,
        kind=kind,
        exit_code=int(code) if kind == "died" and code.isascii() and code.isdigit() and len(code) < 4 else None,
        health=more[:_LONGEST_TEXT] if kind == "health" else "",
        by=maker[:_LONGEST_TEXT] if kind == "created" else "",
    )
