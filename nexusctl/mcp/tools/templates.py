"""`template_list` and `template_get`."""

from __future__ import annotations

from typing import Any

from nexusctl.api import workspace
from nexusctl.api.config import find_cost
from nexusctl.errors import Diagnostic, InputError
from nexusctl.mcp.door import Answer, Call, Door
from nexusctl.mcp.policy import matches
from nexusctl.mcp.tools.create import find_template, known_templates
from nexusctl.model.record import plain
from nexusctl.model.template import Template
from nexusctl.model.values.did_you_mean import suggest


def list_templates(door: Door, call: Call) -> Answer:
    """Every template, by name. Raises `InputError` for a category that none has."""
    names = [name for name in known_templates() if matches(name, door.policy.templates)]
    found = [describe_template(workspace.load_template(name)) for name in names]
    if category := call.get("category"):
        known = sorted({one["category"] for one in found})
        if category not in known:
            hint = suggest(category, known, "categories")
            raise InputError(Diagnostic(f"no template has the category `{category[:60]}`", hint=hint))
        found = [one for one in found if one["category"] == category]
    limit = call.get("limit", 100)
    return {"templates": found[:limit], "total": len(found), "truncated": len(found) > limit}


def get_template(door: Door, call: Call) -> Answer:
    """All of one template."""
    template = find_template(door, call["template_name"])
    return {
        **describe_template(template),
        "parameters": workspace.read_parameters(template.name),
        "defaults": plain(dict(template.defaults)),
        "sandboxes": sorted(template.sandboxes),
    }


def describe_template(template: Template) -> dict[str, Any]:
    """What a list says of it."""
    cost = find_cost(template)
    return {
        "name": template.name,
        "description": " ".join(template.description.split()),
        "category": template.category,
        "tags": list(template.tags),
        "image": template.image,
        "package_manager": template.manager,
        "kind": "deployment" if template.sandboxes else "sandbox",
        "size_mb": cost.size_mb if cost else None,
        "make_s": cost.make_s if cost else None,
        "start_s": cost.start_s if cost else None,
    }
