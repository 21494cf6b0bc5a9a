"""What a caller gives to a tool, against its schema; the oracle is the reference validator of JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexusctl.api.workspace import read_parameters
from nexusctl.errors import InputError
from nexusctl.mcp.arguments import WORDS, find_mistakes
from nexusctl.mcp.catalogue import LATER, TOOLS, describe_tool, portable
from nexusctl.mcp.text_values import texts
from nexusctl.mcp.tools.create import find_template, parameters_for
from tests.examples import share

SCHEMAS = Path(__file__).parents[2] / "schemas" / "mcp"
NAMES = sorted(path.stem for path in SCHEMAS.glob("*.json") if path.stem != "common")

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 100_000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _words(schema: Any) -> set[str]:
    if not isinstance(schema, dict):
        return set()
    found = set(schema)
    for key, value in schema.items():
        if key == "properties":
            for part in value.values():
                found |= _words(part)
        elif key in ("items", "additionalProperties", "propertyNames"):
            found |= _words(value)
    return found


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_a_schema_says_nothing_that_the_check_does_not_know(name: str) -> None:
    assert _words(describe_tool(name)["inputSchema"]) <= WORDS


@pytest.mark.parametrize("name", sorted(TOOLS))
@share()
@given(data=st.data())
def test_the_check_agrees_with_the_reference(name: str, data: st.DataObject) -> None:
    schema = describe_tool(name)["inputSchema"]
    keys = st.sampled_from([*schema["properties"], "other"])
    arguments = data.draw(st.dictionaries(keys, _VALUES | st.sampled_from(_examples(schema)), max_size=6))
    right = jsonschema.Draft202012Validator(schema).is_valid(arguments)
    assert (not find_mistakes(arguments, schema)) == right


def _examples(schema: dict[str, Any]) -> list[Any]:
    return [example for part in schema["properties"].values() for example in part.get("examples", ())]


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_tool_are_right(name: str) -> None:
    tool = json.loads((SCHEMAS / f"{name}.json").read_text())
    assert tool["name"] == name
    assert tool["examples"]
    assert set(tool["annotations"]) == {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
    described = describe_tool(name)
    for part in ("inputSchema", "outputSchema"):
        jsonschema.Draft202012Validator.check_schema(described[part])
    for example in tool["examples"]:
        assert find_mistakes(example, described["inputSchema"]) == ()


@pytest.mark.parametrize("name", sorted(TOOLS))
@share()
@given(data=st.data())
def test_what_is_listed_means_the_same_to_clients_that_know_one_type_alone(name: str, data: st.DataObject) -> None:
    tool = describe_tool(name)
    for part in ("inputSchema", "outputSchema"):
        listed = portable(tool[part])
        assert '"type": [' not in json.dumps(listed)
        # Of an output any of the values can be anything, and all that is required is often there.
        keys = st.sampled_from(sorted(tool[part]["properties"]))
        value = data.draw(st.dictionaries(keys, _VALUES | st.dictionaries(st.just("A"), _SCALARS), max_size=8))
        value |= {key: "x" for key in tool[part].get("required", ()) if data.draw(st.booleans())}
        whole, single = (jsonschema.Draft202012Validator(schema) for schema in (tool[part], listed))
        assert whole.is_valid(value) == single.is_valid(value)
        properties = tool[part]["properties"]
        for key, one in value.items():
            own = (jsonschema.Draft202012Validator(schema) for schema in (properties[key], portable(properties[key])))
            assert len({validator.is_valid(one) for validator in own}) == 1


def test_every_schema_is_of_a_tool_and_no_tool_is_promised_twice() -> None:
    assert set(TOOLS) <= set(NAMES)
    assert not set(TOOLS) & set(LATER)


@pytest.mark.parametrize(
    ("arguments", "summary", "hint"),
    [
        ({"template": "node", "nmae": "x"}, "there is no parameter `nmae`", "did you mean `name`?"),
        ({}, "`template` is missing", 'such as `template: "node"`'),
        (
            {"template": "node", "timeout": 0}, "`timeout` is 0, at least 1 is needed",
            "Its lifetime in seconds, after which it is stopped.",
        ),
        (
            {"template": "node", "env_vars": {"1A": "x"}}, '`env_vars.1A` cannot be "1A"',
            "use letters, digits and underscores, not beginning with a digit",
        ),
        (
            {"template": ["node"]}, "`template` is an array, not a string",
            'write it such as `template: "node"`',
        ),
        (
            {"template": "node", "timeout": None}, "`timeout` is null, not an integer",
            "write it such as `timeout: 7200`",
        ),
        (
            {"template": "node", "install_packages": "express"}, "`install_packages` is a string, not an array",
            'write it such as `install_packages: ["express", "cors@^2"]`',
        ),
    ],
)  # fmt: skip
def test_a_mistake_says_what_to_write(arguments: dict[str, Any], summary: str, hint: str) -> None:
    (mistake,) = find_mistakes(arguments, describe_tool("sandbox_create")["inputSchema"])
    assert (mistake.summary, mistake.hint) == (summary, hint)


def test_the_begin_of_a_long_name_is_enough_to_be_told_the_whole() -> None:
    nobody: Any = None
    with pytest.raises(InputError) as caught:
        find_template(nobody, "expres")
    assert caught.value.diagnostics[0].hint == "did you mean `express-api-boilerplate`?"


def test_what_a_new_sandbox_is_told_reaches_the_parameters_of_its_template() -> None:
    def told(template: str, env: dict[str, str], **keys: str) -> dict[str, str | int]:
        return parameters_for(read_parameters(template), env, keys)

    key = "${secret.mine}"
    assert told("express-api-boilerplate", {"PORT": "4001", "A": "b"}) == {"port": 4001}
    assert told("claude-code", {}, anthropic_key=key) == {"api_key": key}
    assert told("codex", {"PORT": "80"}, api_key=key) == {"api_key": key}
    assert told("node", {"PORT": "80"}, api_key=key) == {}


@pytest.mark.parametrize("port", [99999, "0", "65536", "-1", "9" * 5000])
def test_a_number_that_is_no_port_is_refused_with_the_range(port: int | str) -> None:
    with pytest.raises(InputError) as refused:
        texts({"PORT": port}, "env_vars")
    (problem,) = refused.value.diagnostics
    assert problem.summary == f"`env_vars.PORT` is {str(port)[:20]}, which is no port"
    assert problem.hint == "give one of 1 to 65535"


@pytest.mark.parametrize("port", [1, "65535", "${secret.port}", "/run/socket", "3000 # mine", ""])
def test_what_may_be_a_port_is_left_to_who_reads_it(port: int | str) -> None:
    assert texts({"PORT": port, "OTHER": "99999"}, "env_vars") == {"PORT": str(port), "OTHER": "99999"}
