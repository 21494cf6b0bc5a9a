"""Values made of JSON that anybody may have written: as the annotations of their classes say, or not at all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Set
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from nexusctl.model.values.late_regex import late_regex

T = TypeVar("T")

Check = Callable[[Any], bool]
"""Whether a field can have a value of its type."""

Read = Callable[[Any], Any]
"""Gives the value that a part of the JSON stands for. Raises `MalformedValue`."""

LARGEST = 2**63
_NAME = late_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")

_ARGUMENT = late_regex(r"(?!-)[^\s\x00-\x1f\x7f]{1,1024}")


class MalformedValue(ValueError):
    """What is not as its class says: `path` leads to it, and `what` says it."""

    def __init__(self, what: str, path: tuple[str, ...] = ()) -> None:
        super().__init__(f"{''.join(path).lstrip('.') or 'it'} {what}")
        self.what = what
        self.path = path

    def below(self, step: str) -> MalformedValue:
        """The same, seen from one step above."""
        return MalformedValue(self.what, (step[:80], *self.path))


def is_name(text: Any) -> bool:
    """Whether it can be what somebody calls a thing."""
    return isinstance(text, str) and bool(_NAME.fullmatch(text))


def is_absolute(text: Any) -> bool:
    """Whether it is a path from the root on, and leads nowhere upwards."""
    return isinstance(text, str) and text.startswith("/") and "\0" not in text and ".." not in text.split("/")


def is_below(text: Any) -> bool:
    """Whether it is empty, or a path that stays below where it is counted from."""
    return isinstance(text, str) and not text.startswith("/") and "\0" not in text and ".." not in text.split("/")


def is_file_name(text: Any) -> bool:
    """Whether a file can be called that."""
    return isinstance(text, str) and text not in ("", ".", "..") and "/" not in text and "\0" not in text


def is_argument(text: Any) -> bool:
    """Whether a program that is given it takes it for what it is: it is no option, nothing and no two words."""
    return isinstance(text, str) and bool(_ARGUMENT.fullmatch(text))


class Shapes:
    """Reads values of the classes of `model/values/frozen.py`; `checks` says more of a field than its annotation."""

    def __init__(self, checks: Mapping[tuple[type, str], Check]) -> None:
        self._checks = checks
        self._known: dict[type, Read] = {}

    def read(self, cls: type[T], data: Any) -> T:
        """The value of `cls` that `data` stands for. Raises `MalformedValue`."""
        made: T = self._read_object(cls)(data)
        return made

    def _read_object(self, cls: Any) -> Read:
        if cls not in self._known:
            places = sys.modules[cls.__module__].__dict__
            fields = {
                name: self._read_as(eval(text, places))
                for name, text in cls._names.items()
                if getattr(cls._declared.get(name), "metadata", {}).get("recorded", True)
            }
            checks = {name: check for (owner, name), check in self._checks.items() if owner is cls}
            needed = cls._names.keys() - cls._defaults.keys() - cls._factories.keys()
            self._known[cls] = _read_fields(cls, fields, checks, needed)
        return self._known[cls]

    def _read_as(self, hint: Any) -> Read:
        if hint in _PLAIN:
            return _PLAIN[hint]
        origin, words = get_origin(hint), get_args(hint)
        if origin is Literal:
            return _read_choice(words)
        if origin in (Union, UnionType):
            # No two of them are written as the same kind of JSON.
            return _read_either({_kind_of(word): self._read_as(word) for word in words})
        if origin is tuple:
            return _read_all(self._read_as(words[0]))
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return _read_mapping(self._read_as(words[1]))
        return self._read_object(hint)


def _read_fields(cls: Any, fields: Mapping[str, Read], checks: Mapping[str, Check], needed: Set[str]) -> Read:
    def read(data: Any) -> Any:
        if not isinstance(data, dict):
            raise MalformedValue("is no mapping")
        if not needed <= data.keys():
            raise MalformedValue(f"lacks {', '.join(sorted(needed - data.keys()))}")
        if unknown := sorted(data.keys() - fields.keys()):
            raise MalformedValue(f"has unknown fields: {', '.join(unknown)[:200]}")
        values = {}
        for name, item in data.items():
            try:
                values[name] = fields[name](item)
            except MalformedValue as error:
                raise error.below(f".{name}") from None
            if name in checks and not checks[name](values[name]):
                raise MalformedValue(f"cannot be {str(values[name])[:80]!r}", (f".{name}",))
        return cls(**values)

    return read


def _read_text(data: Any) -> str:
    if isinstance(data, str):
        return data
    raise MalformedValue("is no text")


def _read_flag(data: Any) -> bool:
    if isinstance(data, bool):
        return data
    raise MalformedValue("is neither true nor false")


def _read_whole(data: Any) -> int:
    if isinstance(data, int) and not isinstance(data, bool) and abs(data) < LARGEST:
        return data
    raise MalformedValue("is no whole number")


def _read_number(data: Any) -> float:
    if isinstance(data, int | float) and not isinstance(data, bool) and abs(data) < LARGEST:
        return data
    raise MalformedValue("is no number")


def _read_nothing(data: Any) -> None:
    if data is not None:
        raise MalformedValue("is not null")


_PLAIN: Mapping[Any, Read] = {
    str: _read_text,
    bool: _read_flag,
    int: _read_whole,
    float: _read_number,
    NoneType: _read_nothing,
}


def _read_choice(words: tuple[Any, ...]) -> Read:
    def read(data: Any) -> Any:
        if isinstance(data, str) and data in words:
            return data
        raise MalformedValue(f"is none of {', '.join(words)}")

    return read


def _read_either(kinds: Mapping[type, Read]) -> Read:
    def read(data: Any) -> Any:
        kind = type(data) if type(data) in kinds or not isinstance(data, int) else float
        if kind not in kinds:
            raise MalformedValue("is of another kind")
        return kinds[kind](data)

    return read


def _kind_of(hint: Any) -> type:
    origin = get_origin(hint)
    if origin is Literal:
        return str
    if origin is tuple:
        return list
    return hint if hint in _PLAIN else dict


def _read_all(read_item: Read) -> Read:
    def read(data: Any) -> Any:
        if not isinstance(data, list):
            raise MalformedValue("is no list")
        found = []
        for number, item in enumerate(data):
            try:
                found.append(read_item(item))
            except MalformedValue as error:
                raise error.below(f"[{number}]") from None
        return tuple(found)

    return read


def _read_mapping(read_item: Read) -> Read:
    def read(data: Any) -> Any:
        if not isinstance(data, dict):
            raise MalformedValue("is no mapping")
        found = {}
        for key, item in data.items():
            try:
                found[key] = read_item(item)
            except MalformedValue as error:
                raise error.below(f".{key}") from None
        return found

    return read
