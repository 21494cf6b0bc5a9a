"""Looks at the engine: calls that come while a few are under way share the next, so that many readers cost little.

Each gets what was seen after it had asked, never before.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future

from nexusctl.api import connection, inspection
from nexusctl.errors import Diagnostic, EngineError, InputError
from nexusctl.mcp.edits.workspace import Workspace
from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.model.values.frozen import dataclass

SandboxStatus = inspection.SandboxStatus

AT_ONCE = 2
"""Looks that are under way at the same time; who comes then waits for a part of one, and no more.

More of them make each take longer, as the engine has to walk through all containers for each.
"""

PATIENCE = 0.02
"""Seconds that a look waits for what no list tells, as an engine tells nothing of a container that it works on."""

PREFIX = "sb_"
"""What an id has before the name of a sandbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the file declares and what is live, seen together."""

    stack: Stack
    live: LiveState
    statuses: Mapping[str, SandboxStatus]

    def status(self, sandbox_id: str) -> SandboxStatus:
        """That of the sandbox with this id or name. Raises `InputError` where the stack has none."""
        name = name_of(sandbox_id)
        if name not in self.statuses:
            hint = suggest(PREFIX + name, [PREFIX + known for known in self.statuses], "sandboxes")
            raise InputError(Diagnostic(f"there is no sandbox {PREFIX}{name}", hint=hint))
        return self.statuses[name]

    def container(self, name: str) -> LiveSandbox | None:
        """The container that the status of the sandbox is about."""
        found = self.statuses.get(name)
        return next((one for one in self.live.sandboxes if found and one.id == found.container_id), None)

    def spec(self, name: str) -> Sandbox | None:
        """What was applied last, or what is to be."""
        live = self.container(name)
        return (live.record if live else None) or self.stack.sandboxes.get(name)


class Looks:
    """`take` is for any thread. Those who ask while a look waits for its turn share it."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._next: Future[Seen] | None = None
        self._engine: connection.Engine | None = None

    def take(self) -> Seen:
        """What there is, seen after this was called. Raises `NexusError`."""
        with self._lock:
            look, own = self._next, self._next is None
            if look is None:
                look = self._next = Future()
        if own:
            with self._turns:
                with self._lock:
                    # Whoever comes from now on is not served by it: it begins.
                    self._next = None
                try:
                    look.set_result(self._look())
                except BaseException as error:
                    look.set_exception(error)
        return look.result()

    def engine(self) -> connection.Engine:
        """The engine, which all calls share as long as it answers. Raises `EngineUnreachable`."""
        if self._engine is None:
            self._engine = connection.connect()
        return self._engine

    def _look(self) -> Seen:
        stack = self._workspace.glance()
        try:
            live, statuses = inspection.glimpse(self.engine(), stack, PATIENCE)
        except EngineError:
            # It may be another one when it answers again.
            self._engine = None
            raise
        return Seen(stack=stack, live=live, statuses={status.name: status for status in statuses})


def name_of(sandbox_id: str) -> str:
    """The name in an id; a bare name is its own."""
    return sandbox_id.removeprefix(PREFIX)


def id_of(name: str) -> str:
    """The id of the sandbox called `name`."""
    return PREFIX + name
