"""One file over another: mappings are merged deep, scalars and lists replace, `null` deletes, `+key` appends.

Every node keeps the file and the place that it comes from, so that a problem names the file that has to be changed.
No tree that comes in is altered: its nodes may be shared by aliases.
"""

from __future__ import annotations

from collections.abc import Sequence as SequenceType
from functools import reduce

from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.problems import Problems, note
from nexusctl.config.read.yaml_parser import NODE_LIMIT


class Appended(Sequence):
    """What stood under a `+key`: items that go behind those of the list below, or are a list where there is none."""

    __slots__ = ("key",)

    def __init__(self, key: Scalar, value: Sequence) -> None:
        super().__init__(value.source, value.line, value.column)
        self.key = key
        self.items, self.size, self.height = value.items, value.size, value.height


def merge_all(documents: SequenceType[Mapping], problems: Problems) -> Mapping:
    """One document of several, each over the ones before it. Raises `InputError` where they hold too much together."""
    _refuse_too_many(documents, problems)
    settled = [_settle(document, problems) for document in documents]
    return reduce(lambda base, over: merge(base, over, problems), settled)


def merge(base: Mapping, over: Mapping, problems: Problems) -> Mapping:
    """`over` over `base`. What only `base` has comes first; the whole stands where `over` stands."""
    merged = Mapping(over.source, over.line, over.column)
    merged.keys, merged.values = dict(base.keys), dict(base.values)
    deleted = dict(base.deleted)
    for name, value in over.values.items():
        below = base.values.get(name)
        deleted.pop(name, None)
        if below is not None and _deletes(value, below):
            del merged.keys[name], merged.values[name]
            deleted[name] = value
        else:
            merged.keys[name] = over.keys[name]
            merged.values[name] = value if below is None else _join(below, value, problems)
    merged.deleted = deleted
    merged.dropped = (base.dropped | over.dropped) - merged.keys.keys()
    merged.size, merged.height = base.size + over.size, max(base.height, over.height)
    return merged


def _refuse_too_many(documents: SequenceType[Mapping], problems: Problems) -> None:
    total = 0
    for document in documents:
        total += document.size
        if total > NODE_LIMIT:
            problems.add(document, f"with this file the stack holds more than {NODE_LIMIT:,} values", "split the stack")
            problems.raise_any()


def _deletes(value: Node, below: Node) -> bool:
    """Whether `value` is a null that takes away what is `below`.

    `data:` with nothing after it declares a volume, and a second file that declares it too deletes nothing.
    """
    if not isinstance(value, Scalar) or value.value is not None:
        return False
    return value.text != "" or not isinstance(below, Scalar) or below.value is not None


def _join(below: Node, value: Node, problems: Problems) -> Node:
    if isinstance(value, Appended):
        return _append(below, value, problems)
    if isinstance(below, Mapping) and isinstance(value, Mapping):
        return merge(below, value, problems)
    return value


def _append(below: Node, value: Appended, problems: Problems) -> Node:
    if not isinstance(below, Sequence):
        name = value.key.text
        hint = f"write `{name.removeprefix('+')}` to replace what is there"
        problems.add(value.key, f"`{name}` can only append to a list", hint, note("this is none", below))
        return below
    longer = Sequence(below.source, below.line, below.column)
    longer.items = [*below.items, *value.items]
    longer.size, longer.height = below.size + value.size, max(below.height, value.height)
    return Appended(below.key, longer) if isinstance(below, Appended) else longer


def _settle(document: Mapping, problems: Problems) -> Mapping:
    """`document` with each `+key` under the name that it means."""
    if "+" not in document.source.text:
        return document
    return _settle_mapping(document, problems)


def _settle_mapping(node: Mapping, problems: Problems) -> Mapping:
    settled = Mapping(node.source, node.line, node.column)
    settled.size, settled.height = node.size, node.height
    for name, value in node.values.items():
        inner = _settle_mapping(value, problems) if isinstance(value, Mapping) else value
        if not name.startswith("+") or isinstance(value, Scalar):
            settled.keys[name], settled.values[name] = node.keys[name], inner
    for name, value in node.values.items():
        if name.startswith("+") and not isinstance(value, Scalar):
            _settle_key(settled, name, node.keys[name], value, problems)
    return settled


def _settle_key(settled: Mapping, name: str, key: Scalar, value: Node, problems: Problems) -> None:
    if not isinstance(value, Sequence):
        hint = f"write `{name[1:]}`: mappings are merged key by key anyway"
        problems.add(key, f"`{name}` needs a list to append", hint)
        return
    meant, appended = Scalar(key.source, key.line, key.column, name[1:], False), Appended(key, value)
    beside = settled.values.get(meant.text)
    settled.keys.setdefault(meant.text, meant)
    settled.values[meant.text] = appended if beside is None else _append(beside, appended, problems)
