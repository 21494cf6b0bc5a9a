"""The JSON schemas, the one truth about what may stand in a file, and where they lie."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

STACK = "stack.schema.json"
TEMPLATE = "template.schema.json"
SETTINGS = "settings.schema.json"

_PACKAGE = Path(__file__).resolve().parents[2]


def find_schema(name: str) -> Path:
    """Where the schema `name` lies: in the installed package, or else in the checkout."""
    path = _PACKAGE / "schemas" / name
    return path if path.exists() else _PACKAGE.parent / "schemas" / name


@cache
def read_schema(name: str) -> dict[str, Any]:
    """The schema `name`; its references name their schema."""

    def settle(part: dict[str, Any]) -> dict[str, Any]:
        pattern, reference = part.get("pattern"), part.get("$ref")
        # In JSON Schema `$` means the end of the text; in Python it would also match before a last line end.
        if isinstance(pattern, str) and pattern.endswith("$"):
            part["pattern"] = pattern[:-1] + r"\Z"
        if isinstance(reference, str) and reference.startswith("#"):
            part["$ref"] = name + reference
        return part

    schema: dict[str, Any] = json.loads(find_schema(name).read_bytes(), object_hook=settle)
    return schema


def resolve(reference: str) -> Any:
    """The part of a schema that `reference` names, such as `stack.schema.json#/$defs/port`."""
    name, _, pointer = reference.partition("#")
    part: Any = read_schema(name)
    for step in pointer.strip("/").split("/") if pointer else ():
        part = part[step]
    return part
