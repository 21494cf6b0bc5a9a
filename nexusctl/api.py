"""One function a verb. The only module that wires the rooms together.

stack = load(path)                               parse and resolve
live = engine.observe(stack)                     observe
plan = make_plan(stack, live, engine.in_place)   diff and plan
yield from execute(plan, engine, interrupt)      execute
"""

from __future__ import annotations

import getpass
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from nexusctl.config.load import load
from nexusctl.engine.base import Engine, Report
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.event import Event
from nexusctl.model.live import LiveSandbox, LiveState, LockHolder
from nexusctl.model.plan import Plan
from nexusctl.model.stack import Stack
from nexusctl.plan.plan import make_plan
from nexusctl.plan.status import SandboxStatus, select, summarize
from nexusctl.run.interrupt import Interrupt

__all__ = [
    "apply",
    "connect",
    "empty_stack",
    "find_sandboxes",
    "hold_lock",
    "load",
    "observe_remains",
    "plan",
    "select",
    "status",
]


def connect() -> Engine:
    """The engine that DOCKER_HOST, the docker context or a usual socket names; raises `EngineUnreachable`."""
    # Commands that need no engine start a third faster without its HTTP client.
    from nexusctl.engine.docker.engine import connect as connect_docker  # noqa: PLC0415

    return connect_docker()


def plan(engine: Engine, stack: Stack, *, deep: bool = False, remove_volumes: bool = False) -> Plan:
    """What would make the live sandboxes what `stack` says. Changes nothing. Raises `PlanError`, `EngineError`."""
    return make_plan(stack, engine.observe(stack, deep=deep), engine.in_place, remove_volumes=remove_volumes)


def apply(engine: Engine, chosen: Plan, interrupt: Interrupt) -> Iterator[Event]:
    """Carry out a plan; the caller holds the stack's lock."""
    # Thread pools and graphs are not needed for a plan without steps.
    from nexusctl.run.executor import execute  # noqa: PLC0415

    return execute(chosen, engine, interrupt)


def hold_lock(engine: Engine, stack: str, *, timeout: float, report: Report) -> AbstractContextManager[None]:
    """The stack's lock, held while inside; raises `LockHeld` after `timeout` seconds."""
    holder = LockHolder(
        stack=stack,
        owner=os.urandom(8).hex(),
        user=getpass.getuser(),
        host=platform.node(),
        pid=os.getpid(),
        command=" ".join(["nexusctl", *sys.argv[1:2]]),
        since=time.time(),
    )
    return engine.lock(stack, holder, timeout=timeout, report=report)


def empty_stack(name: str) -> Stack:
    """The desired state of a stack that is to be destroyed."""
    return Stack(name=name)


def observe_remains(engine: Engine, stack: str) -> LiveState:
    """What bears the labels of `stack` now, for the last word of `destroy`."""
    return engine.observe(empty_stack(stack))


def status(engine: Engine, stack: Stack) -> tuple[SandboxStatus, ...]:
    """Each declared and each live sandbox of the stack.

    An engine probes for the first time only when an interval has passed; where it has not done so yet, we do.
    """
    live = engine.observe(stack, deep=True)
    return summarize(stack, replace(live, sandboxes=_probe_unprobed(engine, live.sandboxes)), time.time())


def _probe_unprobed(engine: Engine, sandboxes: tuple[LiveSandbox, ...]) -> tuple[LiveSandbox, ...]:
    unprobed = [live for live in sandboxes if live.health == "starting" and live.state == "running"]
    if not unprobed:
        return sandboxes
    # Threads are loaded only where there is something to ask.
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    with ThreadPoolExecutor(max_workers=8) as pool:
        healthy = {live.id for live, passed in zip(unprobed, pool.map(_probe(engine), unprobed), strict=True) if passed}
    return tuple(replace(live, health="healthy") if live.id in healthy else live for live in sandboxes)


def _probe(engine: Engine) -> Callable[[LiveSandbox], bool]:
    def passes(live: LiveSandbox) -> bool:
        health = live.record.health if live.record else None
        return health is not None and engine.probe(live.id, health).exit_code == 0

    return passes


def find_sandboxes(engine: Engine, stack: Stack, names: tuple[str, ...]) -> tuple[LiveSandbox, ...]:
    """The live sandboxes that `names` (of sandboxes or of groups) mean, all where none is given.

    Raises `InputError` for a name that means none of them, with those that there are.
    """
    live = engine.observe(stack)
    ready = {status.container_id: status for status in summarize(stack, live, 0.0) if status.container_id}
    found = [sandbox for sandbox in live.sandboxes if sandbox.id in ready]
    known = sorted({ready[sandbox.id].name for sandbox in found})
    missing = [n for n in names if not any(n in (ready[x.id].name, ready[x.id].group) for x in found)]
    if missing:
        hint = f"live are: {', '.join(known)}" if known else "none is live; `nexusctl apply` makes them"
        raise InputError(*(Diagnostic(f"stack {stack.name} has no live sandbox {n}", hint=hint) for n in missing))
    order = {sandbox.id: number for number, sandbox in enumerate(sorted(found, key=lambda x: known.index(x.sandbox)))}
    wanted = [x for x in found if not names or {ready[x.id].name, ready[x.id].group} & set(names)]
    return tuple(sorted(wanted, key=lambda x: order[x.id]))


def stack_at(path: Path, name: str | None) -> Stack:
    """The stack that a command is about: the one called `name` where it is given, else the one in the file."""
    return empty_stack(name) if name else load(path)
