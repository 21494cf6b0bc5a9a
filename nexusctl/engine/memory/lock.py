"""The lock of a stack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nexusctl.engine.base import Report
from nexusctl.engine.memory.world import World
from nexusctl.errors import Diagnostic, LockHeld, LockLost
from nexusctl.model.observed.lock_holder import LockHolder


@contextmanager
def hold(world: World, stack: str, holder: LockHolder, *, timeout: float, report: Report) -> Iterator[None]:
    with world.released:
        if other := world.locks.get(stack):
            report(f"waiting for {stack}'s lock held by {other.user}@{other.host}")
        if not world.released.wait_for(lambda: stack not in world.locks, timeout):
            other = world.locks[stack]
            summary = f"stack {stack} is being changed by {other.user}@{other.host} (pid {other.pid})"
            raise LockHeld(Diagnostic(summary, hint=f"`nexusctl unlock {stack}` removes its lock"))
        world.locks[stack] = holder
    world.held[stack] = holder.owner
    try:
        yield
    finally:
        world.held.pop(stack, None)
        with world.released:
            if (found := world.locks.get(stack)) and found.owner == holder.owner:
                unlock(world, stack)


def check(world: World, stack: str) -> None:
    with world.mutex:
        found = world.locks.get(stack)
        if stack in world.held and (found is None or found.owner != world.held[stack]):
            raise LockLost(Diagnostic(f"the lock of stack {stack} was taken away; nothing more is begun"))


def unlock(world: World, stack: str) -> LockHolder | None:
    with world.released:
        world.released.notify_all()
        return world.locks.pop(stack, None)
