"""The reference of the fields of stack files and templates, made from the schemas."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

import yaml

from tests.docs.pages import ROOT

Schema = dict[str, Any]

WIDTH = 80
"""Characters of an example's line, as many as the site shows."""


def render_fields() -> str:
    """A section for each field of a stack file, then of a sandbox, then of a template, with what may stand inside."""
    stack = json.loads((ROOT / "schemas" / "stack.schema.json").read_text())
    template = json.loads((ROOT / "schemas" / "template.schema.json").read_text())
    return "\n\n".join(
        [
            "## The stack file",
            *_sections(stack, {name: field for name, field in stack["properties"].items() if name != "sandboxes"}),
            "## A sandbox",
            f"{_prose(stack['properties']['sandboxes'])} Each has these fields:",
            *_sections(stack, stack["$defs"]["sandbox"]["properties"]),
            "## A template",
            *_sections(template, template["properties"]),
        ]
    )


def _sections(root: Schema, properties: dict[str, Schema]) -> Iterator[str]:
    for name, written in properties.items():
        (_, field), *inner = walk(root, {name: written}, "")
        yield f"### {name}"
        yield _prose(field)
        if field.get("examples"):
            yield f"```yaml\n{_as_yaml(name, field['examples'][0])}\n```"
        if inner:
            yield "\n".join(_table(inner))


def _as_yaml(name: str, example: Any) -> str:
    """On one line where it is short, as people write it."""
    line = _dump(example, flow=True).removesuffix("\n...")
    if len(line) + len(name) < WIDTH:
        return f"{name}: {line}"
    return f"{name}:\n{textwrap.indent(_dump(example, flow=None), '  ')}"


def _dump(value: Any, *, flow: bool | None) -> str:
    options = {"default_flow_style": flow, "sort_keys": False, "allow_unicode": True, "width": 10 * WIDTH}
    return str(yaml.safe_dump(value, **options)).rstrip()


def _table(fields: list[tuple[str, Schema]]) -> Iterator[str]:
    yield from ("| inside | what it says | example |", "|---|---|---|")
    for path, schema in fields:
        cells = (f"`{path}`", _prose(schema), _example(schema))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def walk(root: Schema, properties: dict[str, Schema], prefix: str) -> Iterator[tuple[str, Schema]]:
    """Every field with its path, also those inside lists (`ports[].host`) and mappings (`volumes.NAME.external`)."""
    for name, field in properties.items():
        schema = _resolve(root, field)
        yield f"{prefix}{name}", schema
        if prefix or name != "sandboxes":
            yield from _walk_inside(root, schema, f"{prefix}{name}")


def _walk_inside(root: Schema, schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    if path in ("defaults", "sandboxes"):
        return
    yield from walk(root, schema.get("properties", {}), f"{path}.")
    for branch in schema.get("oneOf", []) + schema.get("anyOf", []):
        yield from _walk_inside(root, _resolve(root, branch), path)
    if isinstance(schema.get("items"), dict):
        yield from _walk_inside(root, _resolve(root, schema["items"]), f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _walk_inside(root, _resolve(root, schema["additionalProperties"]), f"{path}.NAME")


def _resolve(root: Schema, schema: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    target = schema["$ref"].removeprefix("stack.schema.json")
    found: Any = root
    for part in target.removeprefix("#/").split("/"):
        found = found.get(part, {})
    return {**found, **{key: value for key, value in schema.items() if key != "$ref"}}


def _prose(schema: Schema) -> str:
    """What it says, what it can be, and what it is where nobody says it."""
    sentences = [str(schema.get("description", ""))]
    if allowed := schema.get("enum"):
        sentences.append(f"One of {', '.join(f'`{value}`' for value in allowed)}.")
    if "default" in schema:
        sentences.append(f"Default: {_code(schema['default'])}.")
    return " ".join(sentences)


def _code(value: Any) -> str:
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _example(schema: Schema) -> str:
    examples = schema.get("examples", [])
    return _code(examples[0]).replace("\\n", " ") if examples else ""
