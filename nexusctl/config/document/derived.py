"""Nodes that a reference brought to another place than they were written at, and places inside of a scalar."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingType
from typing import Any, NamedTuple

from nexusctl.config.document.expression import OPENING
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.model.secret import REDACTED
from nexusctl.model.values.late_regex import late_regex

_BLOCK = late_regex(r"(?:[&!]\S*\s+)*[|>]")


class Placed(Scalar):
    """A scalar that a reference made; `origin` is where its value was written, None for what stands in no file."""

    __slots__ = ("origin",)

    def __init__(self, place: Node, text: str, value: Any, origin: Node | None = None) -> None:
        super().__init__(place.source, place.line, place.column, text, False)
        self.value = value
        self.origin = origin


class GivenText(Placed):
    """A text that came from outside of all files, at the place of what it is for; `by` says in words who gave it."""

    __slots__ = ("by",)

    def __init__(self, place: Node, text: str, by: str) -> None:
        super().__init__(place, text, text)
        self.by = by


class MixedText(Placed):
    """A scalar with parts that are no text yet, such as secrets; in `text` they are only hinted at."""

    __slots__ = ("parts",)

    def __init__(self, place: Node, parts: Iterable[Any], origin: Node | None = None) -> None:
        self.parts = tuple(parts)
        text = "".join(part if isinstance(part, str) else REDACTED for part in self.parts)
        super().__init__(place, text, text, origin)


class Supplied(NamedTuple):
    """A value from outside of the declaration; `by` says in words who gave it. A text is read as the type needs it.

    `over` is a weaker one of the same variable.
    """

    node: Node
    by: str
    is_text: bool
    over: Supplied | None = None


def identity(node: Node) -> Any:
    """JSON values that tell `node` from every node that means something else, secrets by their names."""
    if isinstance(node, Mapping):
        return {key: identity(value) for key, value in node.values.items()}
    if isinstance(node, Sequence):
        return [identity(item) for item in node.items]
    return {"parts": list(map(repr, node.parts))} if isinstance(node, MixedText) else node.value


def move(node: Node, place: Node, origin: Node | None = None) -> Node:
    """`node` as it looks at `place`: paths in it start from there, and problems are shown there.

    `origin` is where all of it was written, where the nodes themselves do not know that.
    """
    if isinstance(node, Mapping):
        mapping = Mapping(place.source, place.line, place.column)
        mapping.keys = {key: _move_key(name, place) for key, name in node.keys.items()}
        mapping.values = {key: move(value, place, origin) for key, value in node.values.items()}
        return mapping
    if isinstance(node, Sequence):
        sequence = Sequence(place.source, place.line, place.column)
        sequence.items = [move(item, place, origin) for item in node.items]
        return sequence
    if origin is None:
        origin = origin_of(node)
    if isinstance(node, MixedText):
        return MixedText(place, node.parts, origin)
    return Placed(place, node.text, node.value, origin)


def origin_of(node: Scalar) -> Node | None:
    """Where the value of `node` was written; None for what stands in no file."""
    return node.origin if isinstance(node, Placed) and not isinstance(node, GivenText) else node


def _move_key(key: Scalar, place: Node) -> Scalar:
    return Placed(place, key.text, key.text, key)


def from_value(value: Any, place: Node) -> Node:
    """A node for a JSON value, with `place` as its place. An object of any other class becomes a `MixedText`."""
    if isinstance(value, str):
        return Placed(place, value, value)
    if isinstance(value, bool) or value is None:
        return Placed(place, {True: "true", False: "false", None: ""}[value], value)
    if isinstance(value, int | float):
        return Placed(place, str(value), value)
    if isinstance(value, list):
        sequence = Sequence(place.source, place.line, place.column)
        sequence.items = [from_value(item, place) for item in value]
        return sequence
    if isinstance(value, dict):
        mapping = Mapping(place.source, place.line, place.column)
        mapping.keys = {key: Placed(place, key, key) for key in value}
        mapping.values = {key: from_value(item, place) for key, item in value.items()}
        return mapping
    return MixedText(place, (value,))


def point_into(scalar: Scalar, at: int) -> Scalar:
    """The place of the `${` at the index `at` of a scalar's text, as an empty scalar there.

    Quotes, folds and indentation make a text differ from what stands in the file, but not the order of its `${`.
    """
    if isinstance(scalar, Placed):
        return scalar
    line, column = scalar.line, scalar.column
    if _BLOCK.match(scalar.source.lines[line - 1], column - 1):
        line, column = line + 1, 1
    before = scalar.text.count(OPENING, 0, at)
    while line <= len(scalar.source.lines):
        text = scalar.source.lines[line - 1]
        found = text.find(OPENING, column - 1)
        if found < 0:
            line, column = line + 1, 1
        elif before:
            before, column = before - 1, found + 1 + len(OPENING)
        else:
            return Scalar(scalar.source, line, found + 1, "", False)
    return scalar


def picked(node: Mapping, values: MappingType[str, Node]) -> Mapping:
    """A mapping in the place of `node` with only `values`, which are some of its own."""
    made = Mapping(node.source, node.line, node.column)
    made.keys = {key: node.keys[key] for key in values}
    made.values = dict(values)
    made.dropped, made.deleted = node.dropped, node.deleted
    return made


def rebuilt(node: Mapping, values: MappingType[str, Node | None]) -> Mapping:
    """`node` with `values` for its keys, itself where they are the same; a None is dropped."""
    if all(values[key] is old for key, old in node.values.items()):
        return node
    made = picked(node, {key: value for key, value in values.items() if value is not None})
    made.dropped = node.dropped | (values.keys() - made.values.keys())
    return made


def measure(node: Node) -> tuple[int, int, int]:
    """How many values there are in `node`, how long their texts are together, and how deep they lie."""
    if isinstance(node, Scalar):
        return 1, len(node.text), 0
    children = node.values.values() if isinstance(node, Mapping) else node.items
    counts = [measure(child) for child in children]
    nodes, texts = (sum(count[which] for count in counts) for which in (0, 1))
    return 1 + nodes, texts, 1 + max((height for _, _, height in counts), default=0)
