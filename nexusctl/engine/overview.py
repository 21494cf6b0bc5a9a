"""The port of what an engine tells of all that is on it, and of what that uses.

As in `engine/base.py` every method blocks and raises only `EngineError` and its children.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from nexusctl.model.observed.disposable import Disposable
from nexusctl.model.observed.history import Deed
from nexusctl.model.observed.listed import ListedSandbox
from nexusctl.model.observed.lock_holder import LockHolder
from nexusctl.model.observed.sandbox_event import SandboxEvent
from nexusctl.model.observed.usage import Processes, Usage

PATIENCE = 10.0
"""Seconds for the sizes of volumes: older engines cannot but add up all that they have, also images and containers."""


class Overview(Protocol):
    def list_sandboxes(self) -> Mapping[str, tuple[ListedSandbox, ...]]:
        """The sandboxes of each stack, by name, in the calls that `list_stacks` takes."""

    def list_locks(self) -> Mapping[str, LockHolder]:
        """Who holds which lock, by the name of what is locked: stacks, and runs of them; in one call."""

    def list_history(self, stack: str) -> Sequence[Deed]:
        """Who has done what to the sandboxes of the stack that there are, as far as its records say; newest first."""

    def list_disposables(self, patience: float = PATIENCE) -> Iterable[Disposable]:
        """What nexusctl has made on this engine, and no stack needs now.

        The sizes of caches are waited for so many seconds; what the engine has not told by then has none.
        """

    def listen_starts(self, stack: str, heard: Callable[[], None]) -> AbstractContextManager[None]:
        """While inside, call `heard`, in another thread, once it listens and when a container of the stack starts.

        Raises nothing, and hears nothing any more when the engine goes.
        """

    def now(self) -> float:
        """The engine's clock, in seconds since 1970."""

    def read_events(
        self, stack: str, known: Mapping[str, str], since: float, until: float | None = None
    ) -> Iterator[SandboxEvent]:
        """What happened to the stack's sandboxes from `since` on, of each in order, as far as the engine remembers.

        `known` names sandboxes by the ids of their containers, and may grow; what others are, their labels say.
        Times are the engine's, and `until` is no later than its now. Without it this goes on with what happens, until
        the engine goes: raises `EngineUnreachable` then.
        """

    def usage(self, container_id: str) -> Usage | None:
        """What it uses now; None where it does not run. Raises `NotFound`."""

    def list_processes(self, container_id: str) -> Processes:
        """What runs in it. Raises `NotFound`, and `Conflict` where it does not run."""

    def measure(self, container_ids: Iterable[str]) -> Mapping[str, int]:
        """The bytes in the writable layer of each of these containers, by id, in one call; absent ones are left out.

        The engine adds up all that a container has written, so ask only where somebody wants to know.
        """

    def measure_volumes(self, names: Iterable[str]) -> Mapping[str, int]:
        """The bytes in each of these volumes, by name, without those of which the engine does not say it in time."""
