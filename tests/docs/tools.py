"""The reference of the tools of the agents' door, made from their schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from nexusctl.mcp.catalogue import TOOLS, describe_tool


def render_tools() -> str:
    """A section for each tool: what it does, what it takes, what it answers, and a call."""
    return "\n\n".join(part for name in TOOLS for part in _section(describe_tool(name)))


def _section(tool: dict[str, Any]) -> Iterator[str]:
    yield f"## {tool['name']}"
    yield f"{tool['description']} {_nature(tool['annotations'])}"
    taken, given = tool["inputSchema"], tool["outputSchema"]
    if taken["properties"]:
        yield _table("parameter", taken["properties"], set(taken.get("required", ())))
    own = {name: part for name, part in given["properties"].items() if name not in ("errors", "warnings", "approval")}
    yield _table("answer", own, set())
    yield f"```json\n{json.dumps(tool['examples'][0], indent=2, ensure_ascii=False)}\n```"


def _nature(annotations: dict[str, bool]) -> str:
    if annotations["readOnlyHint"]:
        return "It changes nothing."
    words = ["It changes something"]
    words.append("and can take something away" if annotations["destructiveHint"] else "and takes nothing away")
    again = "calling it again changes nothing more" if annotations["idempotentHint"] else ""
    return "; ".join(filter(None, (" ".join(words), again))) + "."


def _table(what: str, properties: dict[str, Any], required: set[str]) -> str:
    rows = [f"| {what} | type | |", "|---|---|---|"]
    for name, part in properties.items():
        kind = part.get("type", "one of " + ", ".join(f"`{one}`" for one in part.get("enum", ())))
        kind = " or ".join(kind) if isinstance(kind, list) else kind
        words = part.get("description", "")
        if "default" in part:
            words += f" Default: `{json.dumps(part['default'])}`."
        cells = (f"`{name}`{' (required)' if name in required else ''}", kind, words)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)
