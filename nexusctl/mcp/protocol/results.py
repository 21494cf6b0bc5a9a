"""Answers as results of the protocol: an error is one too, with all that is said of it where clients look."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from mcp_types import CallToolResult, TextContent

from nexusctl.errors import Diagnostic
from nexusctl.render.diagnostic import render_diagnostics
from nexusctl.render.event import diagnostic_document


def result_of(answer: Mapping[str, Any]) -> CallToolResult:
    """The answer of a tool that has done its work."""
    content = dict(answer)
    text = json.dumps(content, ensure_ascii=False, indent=1)
    # Whoever reads no further shall not take a call that waits for one that was carried out.
    first = [content["approval"]["reason"]] if "approval" in content else []
    return CallToolResult(
        content=[TextContent(type="text", text=part) for part in (*first, text)], structured_content=content
    )


def error_of(diagnostics: Iterable[Diagnostic]) -> CallToolResult:
    """What is wrong, and what to do, for a person or a model in the text and for a program beside it."""
    problems = tuple(diagnostics)
    return CallToolResult(
        content=[TextContent(type="text", text=render_diagnostics(problems).rstrip())],
        structured_content={"errors": [diagnostic_document(problem) for problem in problems]},
        is_error=True,
    )
