"""What nexusctl has made on an engine, and no stack needs now."""

from __future__ import annotations

from typing import Literal

from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposable:
    """`name` is what the engine calls it, or the id of a network; `size` are its bytes, None where nobody tells.

    Images share layers with others, so that their removal may give back less. `about` says what it was for.
    """

    kind: Literal["image", "cache", "network"]
    name: str
    about: str
    size: int | None = None
