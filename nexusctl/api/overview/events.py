"""What happened to sandboxes, with who wanted it; where it is followed, also what happens. Changes nothing."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace

from nexusctl.api.planning import empty_stack
from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, EngineUnreachable, InputError, NotFound
from nexusctl.model.observed.history import Deed
from nexusctl.model.observed.sandbox_event import SandboxEvent
from nexusctl.model.stack import Stack
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.plan.commands.names import group_names, match_names

_MOST = 10_000
"""Events of the past; an engine remembers some hundred."""

_ENDINGS = frozenset({"died", "stopped", "paused", "removed"})

_ENDS = frozenset({"stopped", "killed", "destroyed"})
"""What somebody does to end it."""

_KILLED = 137

_SOON = 5.0
"""Seconds within which one that had no memory left ends of that."""

SKEW = 2.0
"""Seconds by which the word that somebody wants an end may seem to be younger than that end: it has whole seconds.

Two ends of one container that are no further from each other may be told as wanted by the same.
"""


def read_events(
    engine: Engine, stack: Stack, names: tuple[str, ...], age: float | None = None, *, follow: bool = False
) -> Iterator[SandboxEvent]:
    """What happened to those that `names` mean, all where none is given, and is not older than `age` seconds.

    With `follow` it goes on with what happens, also to those that `names` mean later. Raises `InputError` for a name
    that means none, `EngineError`, and `EngineUnreachable` when the engine goes.
    """
    now = engine.overview.now()
    told = _Told(engine, stack, now - time.time())
    since = 0.0 if age is None else max(now - age, 0.0)
    past = deque(engine.overview.read_events(stack.name, told.known, since, now), _MOST)
    groups = {**{one.sandbox: _guess_group(one.sandbox) for one in past}, **told.groups}
    if missing := [name for name in names if not match_names(name, groups)]:
        raise InputError(*(_explain_missing(stack, name, groups) for name in missing))
    yield from (told.explain(one) for one in past if _is_meant(one, names, groups))
    if not follow:
        return
    try:
        for one in engine.overview.read_events(stack.name, told.known, now):
            if one not in past and _is_meant(one, names, groups):
                yield told.explain(one)
    except EngineUnreachable as error:
        said = f"the events of stack {stack.name} end here: {error.summary}"
        raise EngineUnreachable(said, hint=error.diagnostics[0].hint) from error


class _Told:
    """What the engine's own records say of the stack now; looks again where something has ended since.

    `ahead` are the seconds by which the engine's clock is ahead of the one here.
    """

    def __init__(self, engine: Engine, stack: Stack, ahead: float) -> None:
        self._engine, self._stack, self._ahead = engine, stack, ahead
        self._begun: dict[str, float] = {}
        self._starved: dict[str, float] = {}
        self._told: dict[str, Deed] = {}
        self._over: dict[str, Deed] = {}
        self.known: dict[str, str] = {}
        self._look()

    def explain(self, event: SandboxEvent) -> SandboxEvent:
        """With who wanted it, or that its lifetime was over, where it is an end and somebody has written that down."""
        if event.kind in ("started", "resumed"):
            self._begun[event.container_id] = event.time
            # What has ended the life before ends no other.
            if told := self._told.get(event.container_id):
                self._over[event.container_id] = told
        if event.kind == "oom":
            self._starved[event.container_id] = event.time
        if event.kind not in _ENDINGS:
            return event
        event = replace(event, cause="memory") if self._is_starved(event) else event
        if event.time > self._looked_at:
            self._look()
        deed = self._find_deed(event)
        if event.kind == "removed":
            self._begun.pop(event.container_id, None)
        if deed is None:
            return event
        self._told[event.container_id] = deed
        return replace(event, cause=deed.cause) if deed.cause else replace(event, cause="purpose", by=deed.user)

    def _find_deed(self, event: SandboxEvent) -> Deed | None:
        """The last that was written down of this life of the container, before it ended so."""
        begun = self._begun.get(event.container_id, 0.0) - SKEW - self._ahead
        latest, over = event.time + SKEW - self._ahead, self._over.get(event.container_id)
        found = [
            one
            for one in self._deeds.get(event.container_id, ())
            # Some things are done within one second.
            if max(begun, over.at if over else 0) <= one.at <= latest and one != over
        ]
        return max((one for one in found if _leads_to(event, one)), key=lambda deed: deed.at, default=None)

    def _is_starved(self, event: SandboxEvent) -> bool:
        """Whether the kernel has killed it for memory: the engine says so in an event of its own, as a rule before."""
        if event.kind != "died" or event.exit_code != _KILLED or event.killed:
            return False
        if event.time - self._starved.get(event.container_id, 0.0) < _SOON:
            return True
        if time.time() + self._ahead - event.time > _SOON:
            # What the engine says of a container is of its last run.
            return False
        try:
            return self._engine.condition(event.container_id).killed_for_memory
        except NotFound:
            return False

    def _look(self) -> None:
        self._looked_at = time.time() + self._ahead
        live = self._engine.observe(empty_stack(self._stack.name))
        # Whoever reads events has it in hand.
        self.known.update((one.id, one.sandbox) for one in (*live.sandboxes, *live.idle))
        self.groups: Mapping[str, str] = group_names(self._stack, live)
        self._deeds: dict[str, list[Deed]] = {}
        for deed in self._engine.overview.list_history(self._stack.name):
            if deed.kind in {*_ENDS, "paused"}:
                self._deeds.setdefault(deed.container, []).append(deed)


def _leads_to(event: SandboxEvent, deed: Deed) -> bool:
    """Whoever has stopped a container has not removed it, but for one that goes when its time is over."""
    if event.kind == "removed":
        return bool(deed.cause)
    return deed.kind == "paused" if event.kind == "paused" else deed.kind in _ENDS


def _is_meant(event: SandboxEvent, names: tuple[str, ...], groups: Mapping[str, str]) -> bool:
    own = {event.sandbox: groups.get(event.sandbox) or _guess_group(event.sandbox)}
    return not names or any(match_names(name, own) for name in names)


def _guess_group(sandbox: str) -> str:
    """Of one that is gone, or just coming: replicas are numbered."""
    group, _, number = sandbox.rpartition("-")
    return group if group and number.isdecimal() else sandbox


def _explain_missing(stack: Stack, name: str, groups: Mapping[str, str]) -> Diagnostic:
    known = sorted({*groups, *groups.values()})
    return Diagnostic(f"stack {stack.name} has no sandbox {name}", hint=suggest(name, known, "sandboxes"))
