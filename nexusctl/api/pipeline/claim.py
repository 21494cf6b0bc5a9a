"""Whose a stack is that lives for one command alone: nobody else's before, and nobody's afterwards."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from nexusctl.api import connection, planning
from nexusctl.engine.base import Engine, Report
from nexusctl.errors import Diagnostic, InputError, LockHeld
from nexusctl.model.engine_names import run_lock
from nexusctl.model.observed.lock_holder import describe_holder
from nexusctl.model.stack import Stack


@contextmanager
def claim(engine: Engine, stack: str, *, timeout: float, report: Report) -> Iterator[bool]:
    """While inside, `stack` is this run's; gives whether what is there of it was left by a run that died.

    Waits `timeout` seconds for another run of it to end. Raises `LockHeld`, and `InputError` where the stack is
    somebody's who wants to keep it.
    """
    key = run_lock(stack)
    before = connection.find_lock(engine, key)
    died = before is not None and before.dead
    if before and not died:
        report(f"waiting for the end of another run of stack {stack}, by {describe_holder(before)}")
    with ExitStack() as held:
        try:
            held.enter_context(connection.hold_lock(engine, key, timeout=timeout, report=_silent, makes_space=died))
        except LockHeld:
            raise _busy(engine, stack, key) from None
        there = _is_there(engine, stack)
        if there and not died:
            raise _kept(stack)
        yield there


def let_go(engine: Engine, stack: str) -> None:
    """Remove the lock of `stack` where this very process has it still: a signal came as it was about to let it go.

    Raises `EngineError`.
    """
    holder = connection.find_lock(engine, stack)
    if holder and (holder.host, holder.pid) == (socket.gethostname(), os.getpid()):
        engine.unlock(stack)


def require_removable(stack: Stack) -> None:
    """Raise `InputError` where what the stack declares must not be destroyed, as a run does at its end."""
    kept = sorted(name for name, sandbox in stack.sandboxes.items() if sandbox.lifecycle.prevent_destroy)
    if kept:
        summary = f"a run ends with a destroy, which `prevent_destroy` of {', '.join(kept)} forbids"
        raise InputError(Diagnostic(summary, hint="lay a file over it that says `lifecycle: {prevent_destroy: false}`"))


def _is_there(engine: Engine, stack: str) -> bool:
    found = planning.observe_remains(engine, stack)
    return bool(found.sandboxes or found.networks or found.volumes)


def _busy(engine: Engine, stack: str, key: str) -> LockHeld:
    other = connection.find_lock(engine, key)
    who = f" by {describe_holder(other)}" if other else ""
    hint = f"wait for it; if it is gone for good, `nexusctl unlock {stack}`, then `nexusctl destroy --stack {stack}`"
    return LockHeld(Diagnostic(f"another run of stack {stack} goes on{who}", hint=hint))


def _kept(stack: str) -> InputError:
    hint = f"`nexusctl destroy --stack {stack} --volumes` removes it with its data"
    return InputError(Diagnostic(f"stack {stack} is there already, and a run would remove it at its end", hint=hint))


def _silent(_line: str) -> None:
    pass
