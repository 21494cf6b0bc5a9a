"""What a caller gave to a tool, against its schema: every mistake at once, each with what to write instead. Pure.

Of JSON Schema it knows the words that the schemas of the tools use, and no other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from nexusctl.errors import Diagnostic
from nexusctl.model.values.did_you_mean import suggest

WORDS = frozenset(
    {
        "$comment", "additionalProperties", "default", "description", "enum", "errorMessage", "examples", "items",
        "maxItems", "maxLength", "maxProperties", "maximum", "minLength", "minimum", "pattern", "properties",
        "propertyNames", "required", "title", "type",
    }
)  # fmt: skip
"""All that a schema of arguments may say."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}
_LONGEST = 60


def find_mistakes(arguments: Any, schema: Mapping[str, Any]) -> tuple[Diagnostic, ...]:
    """Everything in which `arguments` are not as `schema` says; nothing where they are right."""
    return tuple(_check(arguments, schema, ""))


def _check(value: Any, schema: Mapping[str, Any], where: str) -> Iterator[Diagnostic]:
    types = schema.get("type")
    wanted = [types] if isinstance(types, str) else types
    if wanted and not any(_is(value, name) for name in wanted):
        yield _wrong(
            where, f"is {_name(value)}, not {' or '.join(map(_article, wanted))}", _with_example(schema, where)
        )
        return
    if "enum" in schema and not _among(value, schema["enum"]):
        hint = suggest(str(value), map(str, schema["enum"]), "values")
        yield Diagnostic(f"`{where}` cannot be {_show(value)}", hint=hint)
        return
    if isinstance(value, dict):
        yield from _check_object(value, schema, where)
    elif isinstance(value, list):
        if len(value) > schema.get("maxItems", len(value)):
            yield _wrong(where, f"has {len(value)} items, at most {schema['maxItems']} are allowed", schema)
        for number, item in enumerate(value):
            yield from _check(item, schema.get("items", {}), f"{where}[{number}]")
    elif isinstance(value, str):
        yield from _check_text(value, schema, where)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _check_number(value, schema, where)


def _check_object(value: Mapping[str, Any], schema: Mapping[str, Any], where: str) -> Iterator[Diagnostic]:
    known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name in schema.get("required", ()):
        if name not in value:
            example = next(iter(known.get(name, {}).get("examples", ())), None)
            hint = f"such as `{name}: {json.dumps(example)}`" if example is not None else "give it"
            yield Diagnostic(f"`{_below(where, name)}` is missing", hint=hint)
    if len(value) > schema.get("maxProperties", len(value)):
        yield _wrong(where, f"has {len(value)} entries, at most {schema['maxProperties']} are allowed", schema)
    for name, item in value.items():
        place = _below(where, name)
        if name in known:
            yield from _check(item, known[name], place)
        elif more is False:
            what = "parameter" if not where else "key"
            yield Diagnostic(f"there is no {what} `{_cut(place)}`", hint=suggest(name, known, f"{what}s"))
        else:
            yield from _check_text(name, schema.get("propertyNames", {}), place)
            if isinstance(more, dict):
                yield from _check(item, more, place)


def _check_text(value: str, schema: Mapping[str, Any], where: str) -> Iterator[Diagnostic]:
    if len(value) < schema.get("minLength", 0):
        yield _wrong(where, "is empty", schema)
    elif len(value) > schema.get("maxLength", len(value)):
        yield _wrong(where, f"has {len(value):,} characters, at most {schema['maxLength']:,} are allowed", schema)
    elif "pattern" in schema and not re.search(_whole(schema["pattern"]), value):
        yield _wrong(where, f"cannot be {_show(value)}", schema)


def _check_number(value: float, schema: Mapping[str, Any], where: str) -> Iterator[Diagnostic]:
    if value < schema.get("minimum", value):
        yield _wrong(where, f"is {value}, at least {schema['minimum']} is needed", schema)
    elif value > schema.get("maximum", value):
        yield _wrong(where, f"is {value}, at most {schema['maximum']} is allowed", schema)


def _among(value: Any, allowed: list[Any]) -> bool:
    return any(type(value) is type(one) and value == one for one in allowed)


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name])


def _whole(pattern: str) -> str:
    """In JSON Schema `$` means the end of the text; in Python it would also match before a last line end."""
    return pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern


def _with_example(schema: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """`schema` with what to write, for a value of a wrong kind: of that the description says nothing."""
    example = next(iter(schema.get("examples", ())), None)
    if example is None:
        return schema
    return {**schema, "errorMessage": f"write it such as `{where.rpartition('.')[2]}: {json.dumps(example)}`"}


def _wrong(where: str, what: str, schema: Mapping[str, Any]) -> Diagnostic:
    hint = schema.get("errorMessage") or schema.get("description")
    return Diagnostic(f"`{_cut(where)}` {what}" if where else f"the arguments {what}", hint=hint)


def _below(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "aio" else f"a {name}"


def _name(value: Any) -> str:
    return next(_article(name) if name != "null" else "null" for name in _TYPES if _is(value, name))


def _show(value: Any) -> str:
    return _cut(json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
