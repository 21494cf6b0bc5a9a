"""The acceptor and jsonschema are two readers of one schema: they always come to the same verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from nexusctl.config.conform import acceptor, compile_schema
from nexusctl.config.schema import STACK, TEMPLATE, read_schema, resolve

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


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 70_000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "a", "api", "A b", "-x", "3000", "8080:3000", "1m", "512m", "0755", "/x", "data:/x:ro"]),
    st.sampled_from(["none", "started", "task", "x\n", "1.5h", ":80/x", "22:22", "é", "no", "a" * 41]),
    st.text(max_size=5),
)


def _some_value(schema: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that are near to `schema`: its examples, its keys with other values, and anything else."""
    if "$ref" in schema:
        schema = {**resolve(schema["$ref"]), **{key: value for key, value in schema.items() if key != "$ref"}}
    choices = [SCALARS, st.sampled_from(schema.get("examples") or [None])]
    choices += [st.sampled_from(schema["enum"])] if "enum" in schema else []
    if depth < 4:
        deeper = depth + 1
        if "items" in schema:
            choices.append(st.lists(st.deferred(lambda: _some_value(schema["items"], deeper)), max_size=3))
        if "properties" in schema:
            keys = schema["properties"].items()
            known = {key: st.deferred(lambda part=part: _some_value(part, deeper)) for key, part in keys}
            choices.append(st.fixed_dictionaries({}, optional=known))
            needed = {key: known.pop(key) for key in schema.get("required", ())}
            choices.append(st.fixed_dictionaries(needed, optional={**known, "other": SCALARS}))
        if isinstance(schema.get("additionalProperties"), dict):
            names = st.sampled_from(["api", "PORT", "db-1", "Not_a name", "", "x" * 64])
            value = st.deferred(lambda: _some_value(schema["additionalProperties"], deeper))
            choices.append(st.dictionaries(names, value, max_size=3))
    return st.one_of(choices)


@pytest.mark.parametrize("part", PARTS)
def test_both_readers_of_a_schema_agree(part: str) -> None:
    accepts = acceptor(part)

    @settings(max_examples=100, deadline=None)
    @given(_some_value({"$ref": part}))
    def check(value: Any) -> None:
        assert accepts(value) == strict_verdict(part, value)

    check()


def test_a_keyword_that_the_acceptor_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="uniqueItems"):
        compile_schema({"type": "array", "uniqueItems": True})


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
