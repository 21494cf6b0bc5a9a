"""The schemas as editors need them: whole, in one file, and with room for `${...}` and for what an overlay may say."""

from __future__ import annotations

import json
from typing import Any

from nexusctl.config.schema.files import SETTINGS, STACK, TEMPLATE, find_schema

Schema = dict[str, Any]

_REFERENCE = r"\$\{"

# Names make other names, and are never references.
_LITERAL = ("name",)

_CLOSED = {"integer", "number", "boolean", "array"}

OVERLAY = "overlay.schema.json"
"""Of a file that is laid over another one; made of that of a stack file."""


def editor_schema(name: str) -> Schema:
    """The schema `name` as an editor can use it.

    What `${...}` stands for is known only when the file is resolved, so each place of a file that people write
    which takes a number, a list or a text of a certain form takes a reference too.
    """
    if name == OVERLAY:
        whole = _widen(_read(STACK))
        return {**_loosen(whole), "$id": OVERLAY, "title": "An overlay of a nexusctl stack file"}
    if name == SETTINGS:
        # No reference can stand in it, and it takes one part of the stack file's language.
        settings: Schema = _inline(_read(name), _read(STACK))
        return settings
    if name not in (STACK, TEMPLATE):
        return _read(name)
    schema: Schema = _widen(_read(name))
    if name == TEMPLATE:
        # Its defaults are in the language of the stack file.
        schema["$defs"] = {**_widen(_read(STACK))["$defs"], **schema.get("$defs", {})}
    return schema


def _read(name: str) -> Schema:
    schema: Schema = json.loads(find_schema(name).read_bytes())
    return schema


def _inline(schema: Any, stack: Schema) -> Any:
    """`schema` with the parts of `stack` that it names in their places."""
    if not isinstance(schema, dict):
        return schema
    if "$ref" not in schema:
        return {keyword: _inline(value, stack) for keyword, value in schema.items()}
    part: Any = stack
    for step in schema["$ref"].partition("#/")[2].split("/"):
        part = part[step]
    return part


def _widen(schema: Any) -> Any:
    """`schema` with every part of it opened to references."""
    if not isinstance(schema, dict):
        return schema
    widened = {keyword: _widen_part(keyword, value) for keyword, value in schema.items()}
    return _open(widened)


def _widen_part(keyword: str, value: Any) -> Any:
    match keyword:
        case "properties" | "$defs":
            return {
                name: part if name in _LITERAL and keyword == "$defs" else _widen(part) for name, part in value.items()
            }
        case "additionalProperties" | "items":
            return _widen(value)
        case "propertyNames":
            return _with_merge_key(value)
        case "oneOf" | "anyOf" | "allOf":
            return [_widen(part) for part in value]
        case "$ref":
            return "#" + value.rpartition("#")[2]
    return value


def _with_merge_key(names: Schema) -> Schema:
    """`names` with YAML's own `<<`, which a loader has merged by the time that it looks at names."""
    if "pattern" in names:
        return {**names, "pattern": f"(?:{names['pattern']})|^<<$"}
    return {"anyOf": [names, {"const": "<<"}]}


def _loosen(schema: Any) -> Any:
    """`schema` for a file that says only what is different: nothing is required, and `null` deletes anything."""
    if isinstance(schema, list):
        return [_loosen(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    loose = {keyword: _loosen_part(keyword, value) for keyword, value in schema.items() if keyword != "required"}
    # Without what they require, several alternatives can fit.
    if "oneOf" in loose:
        loose["anyOf"] = loose.pop("oneOf")
    return _with_null(loose)


def _loosen_part(keyword: str, value: Any) -> Any:
    match keyword:
        case "properties" | "$defs" | "patternProperties":
            return {name: _loosen(part) for name, part in value.items()}
        case "additionalProperties" | "items" | "oneOf" | "anyOf" | "allOf":
            return _loosen(value)
    return value


def _with_null(schema: Schema) -> Schema:
    if "const" in schema:
        return {"enum": [schema["const"], None], **{key: value for key, value in schema.items() if key != "const"}}
    if "enum" in schema:
        schema = {**schema, "enum": [*schema["enum"], None]}
    if "type" in schema:
        types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        return {**schema, "type": list(dict.fromkeys([*types, "null"]))}
    return schema


def _open(schema: Schema) -> Schema:
    """`schema` itself with room for a reference, where it has none."""
    if schema.get("additionalProperties") is False:
        # In a file that is laid over another one `+ports` adds to `ports`.
        schema = {**schema, "patternProperties": {r"^\+": {}}}
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if "enum" in schema:
        choices = {"enum": schema["enum"]}
        kept = {keyword: value for keyword, value in schema.items() if keyword != "enum"}
        return {**kept, "anyOf": [choices, {"type": "string", "pattern": _REFERENCE}]}
    if "string" in types and "pattern" in schema:
        return {**schema, "pattern": f"(?:{schema['pattern']})|{_REFERENCE}"}
    if _CLOSED & set(types) and "string" not in types:
        return {**schema, "type": [*types, "string"], "pattern": _REFERENCE}
    return schema
