"""The door to jsonschema: what a schema refuses becomes problems in words, at their places.

What was refused is cut out of the tree, so that the rest can be built and shows its own problems in the same run.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from nexusctl.config.document.describe import Path
from nexusctl.config.document.expression import OPENING
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence, plain
from nexusctl.config.document.problems import SHOWN_AT_MOST, Problems
from nexusctl.config.schema.fast_check import acceptor
from nexusctl.config.schema.files import STACK, TEMPLATE, read_schema

# How deep below the root the smallest part lies that can be left out whole, by the first key of its path.
_PART_DEPTH = {
    "sandboxes": 4,
    "volumes": 2,
    "networks": 2,
    "variables": 2,
    "secrets": 2,
    "outputs": 2,
    "defaults": 3,
    "parameters": 2,
}
_WHOLE = {"health", "command"}
_DEEPER = {"packages"}

# What is refused of a mapping whatever else it may have.
_COMPLETE = {"additionalProperties", "type"}


def validate(document: Mapping, schema: str, problems: Problems) -> Mapping:
    """The parts of `document` that conform to `schema`; the others are reported."""
    value = plain(document)
    if acceptor(schema)(value):
        return document
    cuts: set[Path] = set()
    # jsonschema goes through the entries of a mapping in the order of a set.
    errors = sorted(islice(_errors(schema, value), 2 * SHOWN_AT_MOST), key=lambda error: list(map(str, error.path)))
    for error in errors:
        cuts.update(_part(path) for path in _refuse(document, error, problems))
    return _without(document, {cut for cut in cuts if cut})


def check_part(document: Mapping, schema: str, problems: Problems) -> None:
    """Report what `schema` refuses of `document` whatever else may be laid below or over it."""
    value = plain(document)
    if acceptor(schema)(value):
        return
    errors = sorted(islice(_errors(schema, value), 2 * SHOWN_AT_MOST), key=lambda error: list(map(str, error.path)))
    for error in errors:
        if _stands_alone(error):
            _refuse(document, error, problems)


def _refuse(document: Mapping, error: Any, problems: Problems) -> list[Path]:
    # Most files conform.
    from nexusctl.config.validate.explain import refuse  # noqa: PLC0415 - deferred: start-up time

    return refuse(document, error, problems)


def _stands_alone(error: Any) -> bool:
    """Whether nothing that is missing can put it right.

    More keys may come to a mapping, but a list is replaced as a whole. `null` may delete what is missing; the schema is
    not to see what holds references.
    """
    if error.instance is None or _holds_references(error.instance):
        return bool(error.validator == "additionalProperties")
    in_list = any(isinstance(step, int) for step in error.absolute_path)
    return in_list or not isinstance(error.instance, dict) or error.validator in _COMPLETE


def _holds_references(value: Any) -> bool:
    if isinstance(value, str):
        return OPENING in value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_holds_references, parts))


def _errors(schema: str, document: Any) -> Iterator[Any]:
    # Deferred: importing jsonschema takes some 190 ms, and only a file with a mistake needs it.
    from jsonschema import Draft202012Validator, validators  # noqa: PLC0415 - deferred: start-up time
    from referencing import Registry, Resource  # noqa: PLC0415 - deferred: start-up time

    follow = Draft202012Validator.VALIDATORS["$ref"]

    def refer(validator: Any, reference: str, instance: Any, part: Any) -> Iterator[Any]:
        # What conforms needs no reasons; without this a large file with one mistake takes seconds.
        if not acceptor(reference)(instance):
            yield from follow(validator, reference, instance, part)

    parts = [(name, Resource.from_contents(read_schema(name))) for name in (STACK, TEMPLATE)]
    registry: Any = Registry().with_resources(parts)
    extend: Any = validators.extend
    checker = extend(Draft202012Validator, {"$ref": refer})
    return iter(checker(read_schema(schema), registry=registry).iter_errors(document))


def _part(path: Path) -> Path:
    """The smallest part around `path` that the builders take or leave as a whole."""
    depth = _PART_DEPTH.get(str(path[0]), len(path)) if path else 0
    if len(path) >= depth > 1 and path[depth - 2] in _WHOLE:
        depth -= 1
    elif len(path) > depth > 1 and path[depth - 2] in _DEEPER:
        depth += 1
    return path[:depth]


def _without(document: Mapping, cuts: set[Path]) -> Mapping:
    """A copy of `document` without the parts at `cuts`, which are noted as dropped."""
    if not cuts:
        return document
    gone, below = _steps(cuts)
    copy = Mapping(document.source, document.line, document.column)
    copy.keys = {key: name for key, name in document.keys.items() if key not in gone}
    copy.values = {key: _thinned(document.values[key], below.get(key, set())) for key in copy.keys}
    copy.dropped = document.dropped | {str(key) for key in gone}
    return copy


def _thinned(node: Node, cuts: set[Path]) -> Node:
    if isinstance(node, Mapping):
        return _without(node, cuts)
    if isinstance(node, Scalar) or not cuts:
        return node
    gone, below = _steps(cuts)
    copy = Sequence(node.source, node.line, node.column)
    kept = [(index, item) for index, item in enumerate(node.items) if index not in gone]
    copy.items = [_thinned(item, below.get(index, set())) for index, item in kept]
    return copy


def _steps(cuts: set[Path]) -> tuple[set[str | int], dict[str | int, set[Path]]]:
    """What goes at this level, and for each step below it what goes there."""
    gone = {cut[0] for cut in cuts if len(cut) == 1}
    below: dict[str | int, set[Path]] = {}
    for cut in cuts:
        if len(cut) > 1:
            below.setdefault(cut[0], set()).add(cut[1:])
    return gone, below
