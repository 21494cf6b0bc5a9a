"""A piece of what a main program has printed."""

from __future__ import annotations

from typing import Literal

from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LogChunk:
    """`time` is when it was printed, in seconds since 1970, where that was asked for."""

    stream: Literal["stdout", "stderr"]
    data: bytes
    time: float | None = None
