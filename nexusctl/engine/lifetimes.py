"""The part of the port that lifetimes need, and the reaper, which runs in a container of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from nexusctl.model.observed.history import DeedKind
from nexusctl.model.observed.live import LiveState


class Lifetimes(Protocol):
    @property
    def socket(self) -> str:
        """Where its socket lies on its own machine, as far as that can be told from here."""

    def move_in(self, container_id: str) -> None:
        """This process runs in that container: what it locks from now on is free when the container has ended."""

    def remove_self(self, container_id: str) -> None:
        """Remove the container that this process runs in, by one call that ends both."""

    def survey(self) -> tuple[LiveState, ...]:
        """The sandboxes of all stacks, a state a stack, in two calls: nothing else of a stack is looked at.

        So it tells who has to be looked at closer, and is nothing to change anything by.
        """

    def note_extension(self, stack: str, sandbox: str, container_id: str, until: int, user: str) -> str:
        """Write down, beside earlier notes, that `user` lets it live until then; returns the note's name.

        It goes as an amendment does; the latest of several counts.
        """

    def note_deed(self, stack: str, sandbox: str, container_id: str, kind: DeedKind) -> None:
        """Write down that whoever holds the stack's lock does so now; the last of them count, and `list_history` tells.

        It goes as an amendment does.
        """

    def lift_hold(self, stack: str, name: str) -> None:
        """Let the hold of that name count no more; what it says is kept as a deed. An absent one is fine."""

    def read_age(self, container_id: str) -> float | None:
        """Seconds since it was made: until its last start by the engine's records, since then by its kernel's clock.

        None where it does not run. Raises `EngineError` also where the engine's machine cannot list processes so.
        """

    def read_activity(self, container_id: str, ports: Sequence[int]) -> tuple[bool, float]:
        """Whether an execution runs in it or somebody is connected to one of these TCP ports of it from outside.

        With it the seconds of processor time that it has used since it was started.
        """

    def is_computing(self, container_id: str) -> bool:
        """Whether a program in it runs at this moment, or would if a processor were free. Raises `EngineError`."""
