"""Looks at the engine: calls that come while a few are under way share the next, so that many readers cost little.

Whoever works with a sandbox gets what was seen after it had asked, never before. So does whoever only reads, as long as
the engine answers at once. Where it takes its time, a reader gets the newest look that there is, and is told of when
that is: it was begun at most a moment ago, and after everything that a change was answered with to anybody here. No
reader gets an older one than another has got before it asked. What others change meanwhile on the engine or declare in
the file, such a reader sees a moment later; what is wrong with the file is always that of now.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace

from nexusctl.api import connection, inspection, subject
from nexusctl.errors import Diagnostic, EngineError, InputError, NexusError
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

PROMPT = 0.02
"""Seconds that a reader waits for a look of its own where an older one will do; most engines need less."""

MOMENT = 1.0
"""Seconds since its begin for which a look may do for a reader."""

PACE = 0.25
"""Seconds after which readers have a busy engine looked at anew."""

PREFIX = "sb_"
"""What an id has before the name of a sandbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the file declares and what is live, seen together, with the `mistakes` of what cannot be used of the file.

    The look was begun at `at`, in seconds since 1970, which is `begun` on a clock that nobody sets, and took `took`.
    """

    stack: Stack
    mistakes: tuple[Diagnostic, ...]
    live: LiveState
    statuses: Mapping[str, SandboxStatus]
    at: float
    begun: float
    took: float

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
    """All is for any thread. Those who ask while a look waits for its turn share it."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._next: Future[Seen] | None = None
        self._newest: Seen | None = None
        self._told = 0.0
        self._engine: connection.Engine | None = None

    def take(self) -> Seen:
        """What there is, seen after this was called. Raises `NexusError`."""
        look, own = self._join()
        if own:
            self._carry_out(look)
        return look.result()

    def read(self) -> Seen:
        """The same for whoever only reads and says of when it is: what was seen a moment before is enough."""
        if seen := self.at_hand():
            return seen
        look = self._begin()
        with suppress(TimeoutError):
            return look.result(PROMPT)
        if seen := self._recall():
            return replace(seen, mistakes=self._read_file().problems)
        return look.result()

    def at_hand(self) -> Seen | None:
        """What a reader gets at once, as the engine was slow to answer the last time; None where it has to wait."""
        seen, about = self._recall(), self._workspace.recognize()
        if seen is None or about is None or seen.took < PROMPT:
            return None
        if seen.begun < time.monotonic() - PACE:
            self._begin()
        return replace(seen, mistakes=about.problems)

    def tell(self, since: float) -> None:
        """Somebody is told what has changed by `since` when this returns: then no reader gets what was seen before.

        Until then one may: nobody knows yet, and readers do not wait for the look that this takes.
        """
        with self._lock:
            seen = self._newest
        if (seen.begun if seen else 0.0) < since:
            # Nobody has to wait for it behind the answer. What was done is told also where the engine is silent now.
            with suppress(NexusError):
                self.take()
        with self._lock:
            self._told = max(self._told, since)

    def _begin(self) -> Future[Seen]:
        """A look that begins now or is the next one to."""
        look, own = self._join()
        if own:
            # Whoever ends the process does not wait for the engine.
            threading.Thread(target=self._carry_out, args=(look,), name="look", daemon=True).start()
        return look

    def _join(self) -> tuple[Future[Seen], bool]:
        """The look that begins next, and whether it is the caller's to carry out."""
        with self._lock:
            if self._next is not None:
                return self._next, False
            self._next = Future()
            return self._next, True

    def _carry_out(self, look: Future[Seen]) -> None:
        with self._turns:
            with self._lock:
                # Whoever comes from now on is not served by it: it begins.
                self._next = None
            try:
                seen = self._look()
            except BaseException as error:
                look.set_exception(error)
                return
        with self._lock:
            if self._newest is None or self._newest.begun < seen.begun:
                self._newest = seen
        look.set_result(seen)

    def _recall(self) -> Seen | None:
        """The newest look, where it will do for a reader."""
        with self._lock:
            seen, told = self._newest, self._told
        return seen if seen and seen.begun >= max(told, time.monotonic() - MOMENT) else None

    def engine(self) -> connection.Engine:
        """The engine, which all calls share as long as it answers. Raises `EngineUnreachable`."""
        if self._engine is None:
            self._engine = connection.connect()
        return self._engine

    def _read_file(self) -> subject.Subject:
        """What it declares. As long as nobody has begun a stack the engine is not asked for a name."""
        return self._workspace.guess() or self._workspace.glance()

    def _look(self) -> Seen:
        at, begun = time.time(), time.monotonic()
        about = self._read_file()
        try:
            live, statuses = inspection.glimpse(self.engine(), about.stack, PATIENCE)
            if (live.sandboxes or live.volumes) and self._workspace.guess():
                # Somebody else's, who has that name.
                about = self._workspace.glance()
                live, statuses = inspection.glimpse(self.engine(), about.stack, PATIENCE)
        except EngineError:
            # It may be another one when it answers again.
            self._engine = None
            raise
        return Seen(
            stack=about.stack,
            mistakes=about.problems,
            live=live,
            statuses={status.name: status for status in statuses},
            at=at,
            begun=begun,
            took=time.monotonic() - begun,
        )


def name_of(sandbox_id: str) -> str:
    """The name in an id; a bare name is its own."""
    return sandbox_id.removeprefix(PREFIX)


def id_of(name: str) -> str:
    """The id of the sandbox called `name`."""
    return PREFIX + name
