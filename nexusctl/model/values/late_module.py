"""Modules of ours that are imported when something of them is first asked for, for start-up time.

Beside each, under TYPE_CHECKING, stands the import that it is in the place of: so type checkers and the contracts of
the map see it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["LateModule"]


class LateModule:
    """In the place of the module `name`; what is wrong with that is raised by the first use."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
