"""npm, pnpm, pip, uv and apt behind one Protocol: which commands install, and which ask what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nexusctl.packages.base import PackageManager

_CLASSES = {"npm": "Npm", "pnpm": "Pnpm", "pip": "Pip", "uv": "Uv", "apt": "Apt"}
"""By the name of the file, which is that in a stack file."""


class _Managers(Mapping[str, "PackageManager"]):
    """Each is loaded when somebody asks for it: most commands need one, or none."""

    def __getitem__(self, name: str) -> PackageManager:
        if name not in _CLASSES:
            raise KeyError(name)
        return _load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_CLASSES)

    def __len__(self) -> int:
        return len(_CLASSES)


@cache
def _load(name: str) -> PackageManager:
    found: PackageManager = getattr(import_module(f"{__name__}.{name}"), _CLASSES[name])()
    return found


MANAGERS: Mapping[str, PackageManager] = _Managers()
"""Every manager by the name that it has in a stack file."""
