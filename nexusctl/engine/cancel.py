"""Ending what an engine does before it is done."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

CANCELLED = 130
"""The exit code of a command that was killed because nobody wants its work any more, as shells have it for Ctrl-C."""


class Cancel(Protocol):
    """Whether somebody wants what is being done to end at once, and leave nothing."""

    @property
    def requested(self) -> bool: ...

    def cutting(self, end: Callable[[], None], /) -> AbstractContextManager[None]:
        """While inside, `end` is called, perhaps twice, as soon as somebody does, and at once where it was before."""


class Never:
    """Nobody can ask."""

    requested = False

    def cutting(self, end: Callable[[], None], /) -> AbstractContextManager[None]:
        return nullcontext()


NEVER = Never()
