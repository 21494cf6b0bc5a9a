"""Executions as a table and as JSON."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from nexusctl.model.observed.execution import Execution
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.text_style import duration, headed, paint, quiet, size

_WIDEST = 60
"""Letters of a command in a table."""

_COLORS = {"running": "green", "exited": "", "killed": "red", "oom": "red", "lost": "red"}


def render_executions(executions: Sequence[Execution], now: float, *, color: bool = False) -> str:
    """A row each, with ages at the moment `now`."""
    if not executions:
        return "No executions.\n"
    rows = [["EXECUTION", "SANDBOX", "COMMAND", "WHO", "STARTED", "STATE", "OUTPUT"]]
    rows += [_row(execution, now) for execution in executions]
    head, *body = headed(rows, color=color)
    painted = [_paint(line, execution, color=color) for line, execution in zip(body, executions, strict=True)]
    return "\n".join([head, *painted, ""])


def _row(execution: Execution, now: float) -> list[str]:
    command = quiet(shlex.join(execution.command)).replace("\n", "\\n").replace("\t", "\\t")
    return [
        execution.id,
        quiet(execution.sandbox),
        command if len(command) <= _WIDEST else command[: _WIDEST - 3] + "...",
        quiet(execution.who),
        f"{duration(max(0.0, now - execution.started))} ago",
        describe_state(execution),
        size(execution.bytes),
    ]


def describe_state(execution: Execution) -> str:
    """`running`, `exited (7)`, `killed (TERM)`, `oom`, `lost`."""
    if execution.state == "exited":
        return f"exited ({execution.exit_code})"
    return f"killed ({execution.signal})" if execution.state == "killed" and execution.signal else execution.state


def _paint(line: str, execution: Execution, *, color: bool) -> str:
    word = describe_state(execution)
    style = "red" if execution.exit_code else _COLORS[execution.state]
    if not style:
        return line
    before, _, after = line.rpartition(word)
    return f"{before}{paint(word, style, color=color)}{after}"


def execution_document(execution: Execution) -> dict[str, Any]:
    """All that is known of one; times are in seconds since 1970."""
    return {**asdict(execution), "command": list(execution.command)}


def executions_document(executions: Iterable[Execution]) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "executions": [execution_document(execution) for execution in executions],
    }
