"""Whether a text says after an edit what it said before it, but for one place."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from typing import Any

from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.edit.fragment import Flow

Path = tuple[str | int, ...]


class Removed:
    """In place of a value: there is to be none."""


def is_set(before: Node | None, after: Node | None, path: Path, value: Any) -> bool:
    """Whether `after` is `before` with `value` at `path`, or nothing there for `Removed`; the order counts too."""
    if not path:
        return after is None if value is Removed else after is not None and _says(after, value)
    name, rest = path[0], path[1:]
    if isinstance(name, int):
        return _is_item_set(before, after, name, rest, value)
    old = before.values if isinstance(before, Mapping) else {}
    if not isinstance(after, Mapping) or not (isinstance(before, Mapping) or _is_nothing(before)):
        return False
    others = [key for key in old if key != name]
    return (
        others == [key for key in after.values if key != name]
        and all(alike(old[key], after.values[key]) for key in others)
        and is_set(old.get(name), after.values.get(name), rest, value)
    )


def says_added(before: Node | None, after: Node | None, path: Path, entries: MappingType[str, Any]) -> bool:
    """Whether `after` is `before` with `entries` behind what the mapping at `path` has; all names of it are keys."""
    old = before.values if isinstance(before, Mapping) else {}
    if not isinstance(after, Mapping):
        return False
    if not path:
        new = after.values
        return (
            list(new) == [*old, *entries]
            and all(alike(old[key], new[key]) for key in old)
            and all(_says(new[key], value) for key, value in entries.items())
        )
    return (
        list(old) == list(after.values)
        and all(alike(old[key], after.values[key]) for key in old if key != path[0])
        and says_added(old.get(str(path[0])), after.values.get(str(path[0])), path[1:], entries)
    )


def is_renamed(before: Node | None, after: Node | None, path: Path, new: str) -> bool:
    """Whether `after` is `before` with another name for the key at `path`."""
    if isinstance(before, Sequence) and isinstance(after, Sequence) and isinstance(path[0], int):
        if len(before.items) != len(after.items):
            return False
        pairs = enumerate(zip(before.items, after.items, strict=True))
        return all(is_renamed(a, b, path[1:], new) if n == path[0] else alike(a, b) for n, (a, b) in pairs)
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return False
    last = len(path) == 1
    if [new if last and key == path[0] else key for key in before.values] != list(after.values):
        return False
    return all(
        is_renamed(a, b, path[1:], new) if not last and key == path[0] else alike(a, b)
        for (key, a), b in zip(before.values.items(), after.values.values(), strict=True)
    )


def alike(one: Node, other: Node) -> bool:
    """Whether two nodes say the same in the same words; their places do not count."""
    if isinstance(one, Mapping):
        return (
            isinstance(other, Mapping)
            and list(one.values) == list(other.values)
            and all(alike(one.values[key], other.values[key]) for key in one.values)
        )
    if isinstance(one, Sequence):
        return (
            isinstance(other, Sequence)
            and len(one.items) == len(other.items)
            and all(map(alike, one.items, other.items))
        )
    return isinstance(other, Scalar) and (one.text, one.bare) == (other.text, other.bare)


def _is_item_set(before: Node | None, after: Node | None, number: int, rest: Path, value: Any) -> bool:
    old = before.items if isinstance(before, Sequence) else []
    if not isinstance(after, Sequence) or not (isinstance(before, Sequence) or _is_nothing(before)):
        return False
    new = after.items
    if value is Removed and not rest:
        kept = old[:number] + old[number + 1 :]
        return len(kept) == len(new) and all(map(alike, kept, new))
    if len(new) != max(len(old), number + 1):
        return False
    same = all(alike(a, b) for place, (a, b) in enumerate(zip(old, new, strict=False)) if place != number)
    return same and is_set(old[number] if number < len(old) else None, new[number], rest, value)


def _says(node: Node, value: Any) -> bool:
    """Whether `node` has the JSON value `value`, of the same type."""
    if isinstance(value, Flow):
        return _says(node, value.value)
    if isinstance(value, MappingType):
        return (
            isinstance(node, Mapping)
            and list(node.values) == [str(key) for key in value]
            and all(_says(inner, wanted) for inner, wanted in zip(node.values.values(), value.values(), strict=True))
        )
    if isinstance(value, list | tuple):
        return isinstance(node, Sequence) and len(node.items) == len(value) and all(map(_says, node.items, value))
    return isinstance(node, Scalar) and type(node.value) is type(value) and repr(node.value) == repr(value)


def _is_nothing(node: Node | None) -> bool:
    return node is None or (isinstance(node, Scalar) and node.value is None)
