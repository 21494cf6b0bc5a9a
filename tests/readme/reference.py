"""The field reference of the README, made from the schemas.

`python -m tests.readme.reference` writes it into README.md; a test holds the two together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BEGIN, END = "<!-- reference: made from schemas/*.json -->", "<!-- end of reference -->"

Schema = dict[str, Any]


def render_reference() -> str:
    """The tables of all fields: the stack, then a sandbox, then what stands inside its fields; then templates."""
    stack = json.loads((ROOT / "schemas" / "stack.schema.json").read_text())
    template = json.loads((ROOT / "schemas" / "template.schema.json").read_text())
    lines = ["#### The stack file", "", *_table(stack, stack["properties"], skip=("sandboxes",))]
    lines += ["", "#### A sandbox", "", *_table(stack, stack["$defs"]["sandbox"]["properties"])]
    lines += ["", "#### A template", "", *_table(template, template["properties"])]
    return "\n".join(lines)


def insert(readme: str, reference: str) -> str:
    """`readme` with the text between the two marks replaced."""
    head, rest = readme.split(BEGIN)
    _, tail = rest.split(END)
    return f"{head}{BEGIN}\n\n{reference}\n\n{END}{tail}"


def _table(root: Schema, properties: dict[str, Schema], *, skip: tuple[str, ...] = ()) -> list[str]:
    rows = ["| field | what it says | default | example |", "|---|---|---|---|"]
    for path, schema in walk(root, properties, ""):
        if path not in skip:
            cells = (f"`{path}`", _prose(schema), _code(schema, "default"), _example(schema))
            rows.append("| " + " | ".join(cells) + " |")
    return rows


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
    text = str(schema.get("description", "")).replace("|", "\\|")
    allowed = schema.get("enum")
    return f"{text} One of {', '.join(f'`{value}`' for value in allowed)}." if allowed else text


def _code(schema: Schema, key: str) -> str:
    return f"`{json.dumps(schema[key], ensure_ascii=False)}`".replace("|", "\\|") if key in schema else ""


def _example(schema: Schema) -> str:
    examples = schema.get("examples", [])
    if not examples:
        return ""
    return f"`{json.dumps(examples[0], ensure_ascii=False)}`".replace("|", "\\|").replace("\\n", " ")


if __name__ == "__main__":
    README.write_text(insert(README.read_text(), render_reference()))
