"""Outputs as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from nexusctl.model.output import OutputValue
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.text_style import quiet

UNKNOWN = "(known after apply)"


def render_outputs(outputs: Iterable[OutputValue]) -> str:
    """A line for each: its name and its value."""
    values = list(outputs)
    width = max((len(found.output.name) for found in values), default=0)
    return "".join(f"{found.output.name:<{width}} = {quiet(_text(found))}\n" for found in values)


def render_value(found: OutputValue) -> str:
    """The value alone: a text as it is, anything else as JSON."""
    value = found.value
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def outputs_document(stack: str, outputs: Iterable[OutputValue]) -> dict[str, Any]:
    values = {found.output.name: _document(found) for found in outputs}
    return {"format_version": FORMAT_VERSION, "stack": stack, "outputs": values}


def outputs_event(outputs: Iterable[OutputValue]) -> dict[str, Any]:
    """The last line of `apply --json` where the stack has outputs."""
    values = {found.output.name: _document(found) for found in outputs}
    return {"format_version": FORMAT_VERSION, "event": "outputs", "outputs": values}


def _document(found: OutputValue) -> dict[str, Any]:
    document = {"value": found.value, "known": found.known, "sensitive": found.output.sensitive}
    return {**document, "description": found.output.description} if found.output.description else document


def _text(found: OutputValue) -> str:
    if not found.known:
        return f"(none: {found.left_out} is left out)" if found.left_out else UNKNOWN
    return found.value if found.output.sensitive else json.dumps(found.value, ensure_ascii=False)
