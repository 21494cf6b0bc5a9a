"""Documents that are near to a schema, right and wrong ones, for properties that hold for all."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from nexusctl.config.schema.files import resolve

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 70_000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "a", "api", "A b", "-x", "3000", "8080:3000", "1m", "512m", "0755", "/x", "data:/x:ro"]),
    st.sampled_from(["none", "started", "task", "x\n", "1.5h", ":80/x", "22:22", "é", "no", "a" * 41]),
    st.text(max_size=5),
)


def some_value(schema: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that are near to `schema`: its examples, its keys with other values, and anything else."""
    if "$ref" in schema:
        schema = {**resolve(schema["$ref"]), **{key: value for key, value in schema.items() if key != "$ref"}}
    choices = [SCALARS, st.sampled_from(schema.get("examples") or [None])]
    choices += [st.sampled_from(schema["enum"])] if "enum" in schema else []
    if depth < 4:
        deeper = depth + 1
        if "items" in schema:
            choices.append(st.lists(st.deferred(lambda: some_value(schema["items"], deeper)), max_size=3))
        if "properties" in schema:
            keys = schema["properties"].items()
            known = {key: st.deferred(lambda part=part: some_value(part, deeper)) for key, part in keys}
            choices.append(st.fixed_dictionaries({}, optional=known))
            needed = {key: known.pop(key) for key in schema.get("required", ())}
            choices.append(st.fixed_dictionaries(needed, optional={**known, "other": SCALARS}))
        if isinstance(schema.get("additionalProperties"), dict):
            names = st.sampled_from(["api", "PORT", "db-1", "Not_a name", "", "x" * 64])
            value = st.deferred(lambda: some_value(schema["additionalProperties"], deeper))
            choices.append(st.dictionaries(names, value, max_size=3))
    return st.one_of(choices)
