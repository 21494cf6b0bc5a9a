"""`sandbox_status` and `sandbox_list`."""

from __future__ import annotations

from typing import Any

from nexusctl.api.inspection import package_texts
from nexusctl.errors import Diagnostic
from nexusctl.mcp.door import Answer, Call, Door
from nexusctl.mcp.looks import Seen, name_of
from nexusctl.mcp.text_values import as_text
from nexusctl.mcp.tools.describe import describe
from nexusctl.mcp.tools.times import moment


def show(door: Door, call: Call) -> Answer:
    """How one sandbox is."""
    seen = door.read()
    if name_of(call["sandbox_id"]) not in seen.statuses:
        # It is an error that says of no time.
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
        "as_of": moment(seen.at),
    }
    return _with_mistakes(seen, shown)


def show_all(door: Door, call: Call) -> Answer:
    """How all of them are, or some."""
    seen = door.read()
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
    return _with_mistakes(seen, {"sandboxes": found, "total": len(found), "as_of": moment(seen.at)})


def _with_mistakes(seen: Seen, answer: dict[str, Any]) -> Answer:
    """`answer` with what is wrong with the stack file, which may declare more than could be read of it."""
    if not seen.mistakes:
        return answer
    return {**answer, "warnings": [_in_a_line(problem) for problem in seen.mistakes]}


def _in_a_line(problem: Diagnostic) -> str:
    place = f"{problem.location}: " if problem.location else ""
    return f"{place}{problem.summary}" + (f"; {problem.hint}" if problem.hint else "")
