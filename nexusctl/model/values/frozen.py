"""Frozen values that cost little to define.

`dataclasses.dataclass` writes and compiles half a dozen methods for every class, which took a third of a no-op plan.
The `dataclass` here gives all classes the same few methods. What the library wants to know of a class, for its
`fields()`, `replace()` and `asdict()`, it is told when it first asks: few classes are ever asked for.
Type checkers see the library's own. Values are always frozen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen: bool, slots: bool, kw_only: bool = False) -> Callable[[type], type]:
        """As the library's, for values: anything but frozen and slotted is a mistake."""
        assert frozen
        assert slots
        return _make_value if kw_only else _make_placed


class _Twin:
    """The class as the library would have made it, made at the first look at what only that one knows."""

    def __init__(self, owner: Any) -> None:
        self._owner = owner
        self._made: Any = None

    def make(self) -> Any:
        if self._made is None:
            owner = self._owner
            # The library writes a signature for a class without a docstring.
            said = {"__module__": owner.__module__, "__doc__": owner.__name__, "__annotations__": owner._names}
            twin = type(owner.__name__, (), {**said, **owner._declared})
            how: Any = dataclasses.dataclass(init=False, repr=False, eq=False, match_args=False, kw_only=True)
            self._made = how(twin)
        return self._made


class _Borrowed:
    """An attribute in which the library and its friends look for what they know of a class."""

    def __init__(self, name: str, twin: _Twin) -> None:
        self._name = name
        self._twin = twin

    def __get__(self, *_: object) -> Any:
        return getattr(self._twin.make(), self._name)


def _make_value(cls: Any) -> Any:
    own = cls.__annotations__
    declared = {name: cls.__dict__[name] for name in own if name in cls.__dict__}
    _inherit(cls, own, declared)
    for name, value in declared.items():
        if isinstance(value, dataclasses.Field):
            _settle(cls, name, value)
        else:
            cls._defaults[name] = value
    cls._compared = tuple(name for name in cls._names if name not in cls._silent)
    twin = _Twin(cls)
    cls.__dataclass_fields__ = _Borrowed("__dataclass_fields__", twin)
    cls.__dataclass_params__ = _Borrowed("__dataclass_params__", twin)
    cls.__init__, cls.__repr__, cls.__eq__, cls.__hash__ = _init, _repr, _eq, _hash
    cls.__setattr__ = cls.__delattr__ = _refuse
    return cls


def _make_placed(cls: Any) -> Any:
    _make_value(cls)
    cls.__init__ = _init_placed
    return cls


def _inherit(cls: Any, own: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
    """Its fields by name with their types, and what is said of them, after what those above it have."""
    cls._names = {**getattr(cls, "_names", {}), **own}
    cls._declared = {**getattr(cls, "_declared", {}), **declared}
    cls._defaults = {**getattr(cls, "_defaults", {})}
    cls._factories = {**getattr(cls, "_factories", {})}
    cls._silent = {*getattr(cls, "_silent", ())}


def _settle(cls: Any, name: str, field: dataclasses.Field[Any]) -> None:
    """Leave on the class what the library would leave of a `field()`."""
    delattr(cls, name)
    if field.default is not dataclasses.MISSING:
        cls._defaults[name] = field.default
        setattr(cls, name, field.default)
    if field.default_factory is not dataclasses.MISSING:
        cls._factories[name] = field.default_factory
    if not field.compare:
        cls._silent.add(name)


def _init(self: Any, /, **given: Any) -> None:
    values = self.__dict__
    values.update(self._defaults)
    for name, make in self._factories.items():
        if name not in given:
            values[name] = make()
    values.update(given)
    if values.keys() != self._names.keys():
        wrong = ", ".join(sorted(values.keys() ^ self._names.keys()))
        raise TypeError(f"{type(self).__name__}: missing or unknown: {wrong}")


def _init_placed(self: Any, /, *placed: Any, **given: Any) -> None:
    if len(placed) > len(self._names):
        raise TypeError(f"{type(self).__name__}: {len(placed)} values, and {len(self._names)} places")
    _init(self, **dict(zip(self._names, placed, strict=False)), **given)


def _repr(self: Any) -> str:
    parts = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._names)
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
