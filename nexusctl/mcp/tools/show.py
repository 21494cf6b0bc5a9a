"""`sandbox_status` and `sandbox_list`."""

from __future__ import annotations

from nexusctl.api.inspection import package_texts
from nexusctl.mcp.door import Answer, Call, Door
from nexusctl.mcp.text_values import as_text
from nexusctl.mcp.tools.describe import describe


def show(door: Door, call: Call) -> Answer:
    """How one sandbox is."""
    seen = door.look()
    status = seen.status(call["sandbox_id"])
    spec = seen.spec(status.name)
    return {
        **describe(seen, status, door.policy.credits_per_hour),
        "env_vars": sorted(spec.env) if spec else [],
        "packages": package_texts(spec) if spec else [],
        "ports": [{"container": port.container, "host": port.host, "address": port.address} for port in status.ports],
        "uploads": [upload.target for upload in spec.uploads] if spec else [],
        "exit_code": status.exit_code,
        "timeout": status.timeout,
    }


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
    return {"sandboxes": found, "total": len(found)}
