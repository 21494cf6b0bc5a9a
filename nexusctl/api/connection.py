"""The engine, and the lock of a stack on it."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from nexusctl.engine.command import Command
from nexusctl.engine.log_chunk import LogChunk

if TYPE_CHECKING:
    from nexusctl.engine.base import Engine, Report
    from nexusctl.model.observed.lock_holder import LockHolder

__all__ = ["Command", "Engine", "Held", "LogChunk", "Report", "be_silent", "connect", "find_lock", "hold_lock"]

Held = AbstractContextManager[None]


def __getattr__(name: str) -> Any:
    """The types of the port, whose values take longer to load than a command in one sandbox to find it."""
    if name not in ("Engine", "Report"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Few ask for them but to say what they take.
    from nexusctl.engine import base  # noqa: PLC0415 - deferred: start-up time

    return getattr(base, name)


def connect() -> Engine:
    """The engine that DOCKER_HOST, the docker context or a usual socket names; raises `EngineUnreachable`."""
    # Commands that need no engine start sooner without it.
    from nexusctl.engine.docker.engine import connect as connect_docker  # noqa: PLC0415 - deferred: start-up time

    return connect_docker()


def hold_lock(
    engine: Engine, stack: str, *, timeout: float, report: Report, makes_space: bool = False, branch: str = ""
) -> Held:
    """The stack's lock, held while inside; raises `LockHeld` after `timeout` seconds.

    With `makes_space` a full disk is no reason to refuse. `branch` is the git branch that the stack is an instance for.
    """
    # Only what changes something needs them, and they take as long to load as a plan to make.
    import getpass  # noqa: PLC0415 - deferred: start-up time
    import socket  # noqa: PLC0415 - deferred: start-up time
    import sys  # noqa: PLC0415 - deferred: start-up time

    from nexusctl.model.observed.lock_holder import LockHolder  # noqa: PLC0415 - deferred: start-up time

    holder = LockHolder(
        stack=stack,
        owner=os.urandom(8).hex(),
        user=getpass.getuser(),
        host=socket.gethostname(),
        pid=os.getpid(),
        command=" ".join(["nexusctl", *sys.argv[1:2]]),
        since=time.time(),
        branch=branch,
    )
    return engine.lock(stack, holder, timeout=timeout, report=report, makes_space=makes_space)


def be_silent(_line: str) -> None:
    """A `Report` for where nobody listens."""


def find_lock(engine: Engine, stack: str) -> LockHolder | None:
    """Who holds the stack's lock now."""
    # As above.
    from nexusctl.model.stack import Stack  # noqa: PLC0415 - deferred: start-up time

    return engine.observe(Stack(name=stack)).lock
