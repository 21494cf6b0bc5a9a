"""The sandboxes of all stacks at once, in two list calls: for whoever looks what has lived its time."""

from __future__ import annotations

import time
from collections.abc import Iterable

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.label_forms import leave_malformed
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.observe.holds import group_holds, group_words, with_hold, with_words
from nexusctl.engine.docker.observe.observe import Listed, group_amendments, is_sandbox, read_sandboxes
from nexusctl.model.observed.live import LiveState
from nexusctl.model.values.from_json import is_name


def survey(wire: Wire) -> tuple[LiveState, ...]:
    """See `Engine.survey`. What bears labels that nobody can make sense of is left out."""
    containers = wire.get("/containers/json", {"all": True})
    volumes = wire.get("/volumes", {"filters": {"label": [labels.STACK]}})["Volumes"] or []
    amended = {(entry["Labels"] or {}).get(labels.CONTAINER, "") for entry in volumes}
    stacks = {name for entry in (*containers, *volumes) if is_name(name := _stack_of(entry))}
    now = int(time.time())
    return tuple(_read(wire, stack, containers, volumes, amended, now) for stack in sorted(stacks))


def _read(
    wire: Wire, stack: str, containers: Iterable[Listed], volumes: Iterable[Listed], amended: set[str], now: int
) -> LiveState:
    marked = [e for e in leave_malformed(stack, "volume", volumes, []) if _stack_of(e) == stack]
    amendments, holds, words = group_amendments(marked), group_holds(marked), group_words(marked)
    own = [
        entry
        for entry in leave_malformed(stack, "container", containers, [])
        if is_sandbox(entry, stack) or (entry["Id"] in amended and entry["Id"] in amendments)
    ]
    sandboxes = read_sandboxes(wire, own, (), amendments)
    return LiveState(
        stack=stack,
        sandboxes=tuple(with_words(with_hold(sandbox, holds), words) for sandbox in sandboxes),
        observed_at=now,
    )


def _stack_of(entry: Listed) -> str:
    return str((entry["Labels"] or {}).get(labels.STACK, ""))
