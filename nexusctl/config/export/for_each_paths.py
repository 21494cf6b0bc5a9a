"""Paths that differ between what `for_each` makes, where the file that names them has to lie elsewhere too."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from nexusctl.config.document.derived import MixedText
from nexusctl.config.document.node import Mapping, Node, Sequence
from nexusctl.config.interpolate.for_each import Kept

# The keys of a sandbox that hold paths, each with the key of the path where it has items that are mappings.
_PATHS = {"env_file": "", "template": "", "uploads": "source", "volumes": "bind"}

_WHOLE_VALUE = re.compile(r"(?<!\$)\$\{each\.value(?=[.}])")
_VALUE = "value"


def spread_paths(pattern: Mapping, values: dict[str, Any], find: Callable[[str], dict[str, Any]]) -> None:
    """Let `for_each` in the `values` of `pattern` hold what begins with a path that only a reference knows.

    `find` returns the values of the sandbox that is made for a key, with absolute paths.
    """
    keys = [key for key, inner in _PATHS.items() if key in pattern.values and _differs(pattern.values[key], inner)]
    if not keys or not isinstance(values["for_each"], dict | list):
        return
    each = values["for_each"]
    entries: dict[str, Any] = dict(each) if isinstance(each, dict) else {name: name for name in map(_text, each)}
    if not all(isinstance(entry, dict) for entry in entries.values()):
        entries = {name: {_VALUE: entry} for name, entry in entries.items()}
        values.update({key: _deeper(value) for key, value in values.items()})
    for key in keys:
        fresh = key
        while any(fresh in entry for entry in entries.values()):
            fresh += "_"
        entries = {name: {**entry, fresh: find(name)[key]} for name, entry in entries.items()}
        values[key] = f"${{each.value.{fresh}}}"
    values["for_each"] = entries


def _text(value: Any) -> str:
    return str(getattr(value, "text", value))


def _differs(node: Node, inner: str) -> bool:
    """Whether a path in `node` begins with a reference, or all of it is one."""
    if isinstance(node, Sequence):
        return any(_differs(item, inner) for item in node.items)
    if isinstance(node, Mapping):
        return inner in node.values and _differs(node.values[inner], inner)
    return isinstance(node, MixedText) and isinstance(node.parts[0], Kept)


def _deeper(value: Any) -> Any:
    """`value` with every reference to the whole of what `for_each` gives as one to a part of it."""
    if isinstance(value, dict):
        return {key: _deeper(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_deeper(part) for part in value]
    return _WHOLE_VALUE.sub(f"${{each.value.{_VALUE}", value) if isinstance(value, str) else value
