"""`sandbox_status` and `sandbox_list`."""

from __future__ import annotations

from typing import Any

from nexusctl.api.inspection import package_texts
from nexusctl.errors import Diagnostic
from nexusctl.mcp.door import Answer, Call, Door
from nexusctl.mcp.text_values import as_text
from nexusctl.mcp.tools.describe import describe


def show(door: Door, call: Call) -> Answer:
    """How one sandbox is."""
    seen = door.look()
    status = seen.status(call["sandbox_id"])
    spec = seen.spec(status.name)
    shown = {
        **describe(seen, status, door.policy.credits_per_hour),
        "env_vars": sorted(spec.env) if spec else [],
        "packages": package_texts(spec) if spec else [],
        "ports": [{"container": port.container, "host": port.host, "address": port.address} for port in status.ports],
        "uploads": [upload.target for upload in spec.uploads] if spec else [],
        "exit_code": status.exit_code,
        "timeout": status.timeout,
    }
    return _with_mistakes(door, shown)


def show_all(door: Door, call: Call) -> Answer:
    """How all of them are, or some."""
    seen = door.look()
    wanted = {key: as_text(value) for key, value in call.get("metadata", {}).items()}
    price = door.policy.credits_per_hour
    found = [
        describe(seen, status, price) for status in seen.statuses.values() if wanted.items() <= status.metadata.items()
    ]
    match call.get("status", "all"):
        case "running":
            found = [one for one in found if one["status"] == "running"]
        case "stopped":
            found = [one for one in found if one["status"] != "running"]
    return _with_mistakes(door, {"sandboxes": found, "total": len(found)})


def _with_mistakes(door: Door, answer: dict[str, Any]) -> Answer:
    """`answer` with what is wrong with the stack file, which may declare more than could be read of it."""
    found = door.workspace.mistakes()
    return {**answer, "warnings": [_in_a_line(problem) for problem in found]} if found else answer


def _in_a_line(problem: Diagnostic) -> str:
    place = f"{problem.location}: " if problem.location else ""
    return f"{place}{problem.summary}" + (f"; {problem.hint}" if problem.hint else "")
