"""Says whether a document conforms to a schema, and nothing else.

Importing jsonschema takes longer than a whole no-op plan. So a document that is right, as nearly all are, is only
looked at by these few functions, which know the keywords that our own schemas use; where they say no,
`validate.py` lets jsonschema find the reasons. A property test holds the two to the same verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from nexusctl.config.schema.files import resolve
from nexusctl.model.values.late_regex import late_regex

Test = Callable[[Any], bool]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}
_ANNOTATIONS = {"$schema", "$id", "$defs", "title", "description", "examples", "default", "errorMessage"}
_OBJECT_KEYWORDS = {"properties", "required", "additionalProperties", "propertyNames"}


@cache
def acceptor(reference: str) -> Test:
    """The test for a schema or a part of one: takes JSON values, returns whether they conform."""
    return compile_schema(resolve(reference))


def compile_schema(schema: Any) -> Test:
    """The test for `schema`. Raises `ValueError` for a keyword that is not known here.

    What it says of a key of an object is read when that key is first met: few stack files have half of those that
    there are.
    """
    tests = tuple(_tests(schema))
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda value: first(value) and second(value)
    return lambda value: all(test(value) for test in tests)


def _tests(schema: Mapping[str, Any]) -> Iterator[Test]:
    if unknown := schema.keys() - _ANNOTATIONS - _OBJECT_KEYWORDS - _KEYWORDS.keys():
        raise ValueError(f"the acceptor does not know these keywords: {', '.join(sorted(unknown))}")
    for keyword in _KEYWORDS.keys() & schema.keys():
        yield _KEYWORDS[keyword](schema[keyword])
    if _OBJECT_KEYWORDS & schema.keys():
        yield _object(schema)


def _reference(reference: str) -> Test:
    return acceptor(reference)


def _type(names: str | list[str]) -> Test:
    wanted = [names] if isinstance(names, str) else names
    types = frozenset(kind for name in wanted for kind in _TYPES[name])
    if "integer" in wanted and "number" not in wanted:
        return lambda value: type(value) in types or (type(value) is float and value.is_integer())
    return lambda value: type(value) in types


def _enum(members: list[Any]) -> Test:
    # By type too: in JSON, 1 is not true.
    known = [(type(member), member) for member in members]
    return lambda value: any(_equal(value, kind, member) for kind, member in known)


def _const(member: Any) -> Test:
    return _enum([member])


def _equal(value: Any, kind: type, member: Any) -> bool:
    same = type(value) is kind or {type(value), kind} <= {int, float}
    return same and bool(value == member)


def _pattern(pattern: str) -> Test:
    expression = late_regex(pattern)
    return lambda value: type(value) is not str or expression.search(value) is not None


def _minimum(limit: float) -> Test:
    return lambda value: not _is_number(value) or value >= limit


def _maximum(limit: float) -> Test:
    return lambda value: not _is_number(value) or value <= limit


def _exclusive_minimum(limit: float) -> Test:
    return lambda value: not _is_number(value) or value > limit


def _min_length(limit: int) -> Test:
    return lambda value: type(value) is not str or len(value) >= limit


def _min_items(limit: int) -> Test:
    return lambda value: type(value) is not list or len(value) >= limit


def _items(schema: Any) -> Test:
    test = compile_schema(schema)
    return lambda value: type(value) is not list or all(map(test, value))


def _any_of(schemas: list[Any]) -> Test:
    tests = [compile_schema(schema) for schema in schemas]
    return lambda value: any(test(value) for test in tests)


def _one_of(schemas: list[Any]) -> Test:
    tests = [compile_schema(schema) for schema in schemas]
    return lambda value: sum(test(value) for test in tests) == 1


def _object(schema: Mapping[str, Any]) -> Test:
    required = schema.get("required", ())
    known = _Known(schema.get("properties", {}))
    other = _additional(schema.get("additionalProperties", True))
    name = compile_schema(schema["propertyNames"]) if "propertyNames" in schema else None

    def conforms(value: Any) -> bool:
        if type(value) is not dict:
            return True
        for key in required:
            if key not in value:
                return False
        if name is not None and not all(map(name, value)):
            return False
        for key, part in value.items():  # noqa: SIM110  (a generator takes twice as long)
            if not (known[key] or other)(part):
                return False
        return True

    return conforms


class _Known(dict[str, Test | None]):
    """The test of each key of an object, made when it is first asked for; None for a key that is not known."""

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        super().__init__()
        self._schemas = schemas

    def __missing__(self, key: str) -> Test | None:
        if key not in self._schemas:
            return None
        made = self[key] = compile_schema(self._schemas[key])
        return made


def _additional(schema: Any) -> Test:
    if isinstance(schema, bool):
        return lambda _: schema
    return compile_schema(schema)


def _is_number(value: Any) -> bool:
    return type(value) is int or type(value) is float


_KEYWORDS: Mapping[str, Callable[[Any], Test]] = {
    "$ref": _reference,
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "minimum": _minimum,
    "maximum": _maximum,
    "exclusiveMinimum": _exclusive_minimum,
    "minLength": _min_length,
    "minItems": _min_items,
    "items": _items,
    "anyOf": _any_of,
    "oneOf": _one_of,
}
