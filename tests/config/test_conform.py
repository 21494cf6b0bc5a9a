"""The acceptor and jsonschema are two readers of one schema: they always come to the same verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from nexusctl.config.schema.fast_check import acceptor, compile_schema
from nexusctl.config.schema.files import STACK, TEMPLATE, read_schema, resolve
from tests.config.documents import some_value

REGISTRY: Any = Registry().with_resources(
    [(name, Resource.from_contents(read_schema(name))) for name in (STACK, TEMPLATE)]
)
PARTS = [
    "stack.schema.json",
    "template.schema.json",
    *(f"stack.schema.json#/$defs/{name}" for name in sorted(read_schema(STACK)["$defs"])),
    *(
        f"stack.schema.json#/$defs/sandbox/properties/{name}"
        for name in ("depends_on", "packages", "resources", "user")
    ),
]


def strict_verdict(part: str, value: Any) -> bool:
    return Draft202012Validator(resolve(part), registry=REGISTRY).is_valid(value)


@pytest.mark.parametrize("part", PARTS)
def test_both_readers_of_a_schema_agree(part: str) -> None:
    accepts = acceptor(part)

    @settings(max_examples=100, deadline=None)
    @given(some_value({"$ref": part}))
    def check(value: Any) -> None:
        assert accepts(value) == strict_verdict(part, value)

    check()


def test_a_keyword_that_the_acceptor_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="uniqueItems"):
        compile_schema({"type": "array", "uniqueItems": True})


def test_a_property_is_read_when_it_is_first_given() -> None:
    accepts = compile_schema({"properties": {"a": {"type": "string"}, "b": {"uniqueItems": True}}})
    assert [accepts({"a": "x", "c": 1}), accepts({"a": 1})] == [True, False]
    with pytest.raises(ValueError, match="uniqueItems"):
        accepts({"b": []})


@pytest.mark.parametrize("name", [STACK, TEMPLATE])
def test_the_acceptor_knows_every_keyword_of_our_schemas(name: str) -> None:
    parts = [read_schema(name)]
    while parts:
        part = parts.pop()
        compile_schema(part)
        parts += [*part.get("properties", {}).values(), *part.get("$defs", {}).values()]
        inner = (part.get("items"), part.get("additionalProperties"), part.get("propertyNames"))
        parts += [one for one in (*inner, *part.get("anyOf", ()), *part.get("oneOf", ())) if isinstance(one, dict)]


def _properties(schema: Any, path: str = "") -> list[tuple[str, Any]]:
    found = []
    if isinstance(schema, dict):
        for name, part in schema.get("properties", {}).items() if isinstance(schema.get("properties"), dict) else ():
            found.append((f"{path}.{name}", part))
        for key, part in schema.items():
            if key not in ("examples", "default"):
                found += _properties(part, f"{path}.{key}")
    if isinstance(schema, list):
        for part in schema:
            found += _properties(part, path)
    return found


@pytest.mark.parametrize("name", [STACK, TEMPLATE])
def test_every_property_is_described_by_words_and_right_examples(name: str) -> None:
    for path, part in _properties(read_schema(name)):
        whole = {**(resolve(part["$ref"]) if "$ref" in part else {}), **part}
        assert whole.get("description", "").endswith("."), path
        assert whole.get("examples"), path
        for example in whole["examples"]:
            assert Draft202012Validator(part, registry=REGISTRY).is_valid(example), (path, example)


@pytest.mark.parametrize("name", [STACK, TEMPLATE])
def test_the_schema_is_a_right_schema_that_lets_nothing_unknown_pass(name: str) -> None:
    path = Path(__file__).parents[2] / "schemas" / name
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)

    def walk(part: Any, where: str) -> None:
        if isinstance(part, list):
            for index, item in enumerate(part):
                walk(item, f"{where}[{index}]")
        elif isinstance(part, dict):
            if isinstance(part.get("properties"), dict) and "type" in part:
                assert "additionalProperties" in part, where
            for key, item in part.items():
                if key not in ("examples", "default"):
                    walk(item, f"{where}.{key}")

    walk(schema, name)
