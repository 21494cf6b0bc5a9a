"""Frozen values that cost little to define.

`dataclasses.dataclass` writes and compiles half a dozen methods for every class, which took a third of a no-op plan.
The `dataclass` here keeps the library's fields, `fields()` and `replace()`, and gives all classes the same few methods.
Type checkers see the library's own. Values are always frozen and take keywords only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen: bool, slots: bool, kw_only: bool) -> Callable[[type], type]:
        """As the library's, for values: anything but frozen, slotted and by keyword is a mistake."""
        assert frozen
        assert slots
        assert kw_only
        return _make_value


def _make_value(cls: Any) -> Any:
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, match_args=False, kw_only=True)(cls)
    fields = dataclasses.fields(made)
    made._names = frozenset(field.name for field in fields)
    made._compared = tuple(field.name for field in fields if field.compare)
    made._defaults = {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}
    made._factories = {f.name: f.default_factory for f in fields if f.default_factory is not dataclasses.MISSING}
    made.__init__, made.__repr__, made.__eq__, made.__hash__ = _init, _repr, _eq, _hash
    made.__setattr__ = made.__delattr__ = _refuse
    return made


def _init(self: Any, /, **given: Any) -> None:
    values = self.__dict__
    values.update(self._defaults)
    for name, make in self._factories.items():
        if name not in given:
            values[name] = make()
    values.update(given)
    if values.keys() != self._names:
        wrong = ", ".join(sorted(values.keys() ^ self._names))
        raise TypeError(f"{type(self).__name__}: missing or unknown: {wrong}")


def _repr(self: Any) -> str:
    parts = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
    return f"{type(self).__name__}({parts})"


def _eq(self: Any, other: Any) -> Any:
    if type(self) is not type(other):
        return NotImplemented
    if len(self._compared) == len(self._names):
        return self.__dict__ == other.__dict__
    return all(getattr(self, name) == getattr(other, name) for name in self._compared)


def _hash(self: Any) -> int:
    return hash(tuple(getattr(self, name) for name in self._compared))


def _refuse(self: Any, name: str, *_: object) -> None:
    raise dataclasses.FrozenInstanceError(f"{type(self).__name__}.{name} is frozen")
