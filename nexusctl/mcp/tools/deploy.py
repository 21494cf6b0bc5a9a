"""`template_deploy`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nexusctl.api import workspace
from nexusctl.errors import Diagnostic, InputError
from nexusctl.mcp.door import Answer, Call, Door, told
from nexusctl.mcp.edits.batches import BatchResult
from nexusctl.mcp.edits.draft import StackDraft
from nexusctl.mcp.looks import id_of
from nexusctl.mcp.policy import Policy
from nexusctl.mcp.text_values import as_text, literal, texts, with_secrets
from nexusctl.mcp.tools.create import add_sandbox, find_template, known_templates, lifetime, name_for, ports_for
from nexusctl.mcp.tools.describe import describe, state_of
from nexusctl.mcp.tools.members import members_of
from nexusctl.model.template import Template
from nexusctl.model.values.did_you_mean import suggest

PREFIX = "dep_"
"""What the id of a deployment has before its name."""


def deploy(door: Door, call: Call) -> Answer:
    """Make what a template stands for: a sandbox, or several, with all that they upload."""
    template = find_template(door, call["template_name"])
    name = name_for(call.get("deployment_name"), call["template_name"])
    entries = _entries(door.policy, call, template, name)

    def edit(draft: StackDraft) -> StackDraft:
        for sandbox, entry in entries.items():
            draft = add_sandbox(door.policy, draft, sandbox, entry)
        return draft

    done = door.change(call, tuple(entries), edit, f"Deploy {call['template_name']} as {name}")
    if not isinstance(done, BatchResult):
        return done
    seen = door.look()
    statuses = [seen.status(sandbox) for sandbox in entries]
    states = {sandbox.name: state_of(seen, sandbox) for sandbox in statuses}
    # A task has done its work once it has ended well.
    unwell = [state for status in statuses if (state := states[status.name]) != "running" and not _is_done(status)]
    deployment = {
        "deployment_id": PREFIX + name,
        "name": name,
        "template": call["template_name"],
        "status": unwell[0] if unwell else "running",
        "sandbox_ids": [id_of(sandbox) for sandbox in entries],
        "sandboxes": [describe(seen, status, door.policy.credits_per_hour) for status in statuses],
        "endpoint": next((status.endpoint for status in statuses if status.endpoint), None),
    }
    return told(done, {"deployment": deployment})


def _is_done(status: Any) -> bool:
    return bool(status.kind == "task" and status.exit_code == 0)


def _entries(policy: Policy, call: Call, template: Template, name: str) -> dict[str, dict[str, Any]]:
    env = texts(call.get("env_vars", {}), "env_vars")
    given = _given(call["template_name"], call.get("variables", {}))
    policy.require_secrets([*env.values(), *map(str, given.values())])
    if template.sandboxes:
        own = _members(template, name, {**_defaults(template.name), **given}, env)
    else:
        entry: dict[str, Any] = {"template": call["template_name"], **({"with": given} if given else {})}
        own = {name: {**entry, **({"env": env} if env else {})}}
    return {sandbox: _finish(policy, call, name, entry) for sandbox, entry in own.items()}


def _members(
    template: Template, name: str, values: Mapping[str, Any], env: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    try:
        found = members_of(template.sandboxes, name, values, workspace.BESIDE)
    except KeyError as missing:
        hint = f"give it as `variables: {{{missing.args[0]}: ...}}`; `template_get` shows what it is for"
        raise InputError(
            Diagnostic(f"the template {template.name} needs the parameter `{missing.args[0]}`", hint=hint)
        ) from None
    return {sandbox: {**entry, "env": {**entry.get("env", {}), **env}} for sandbox, entry in found.items()}


def _finish(policy: Policy, call: Call, name: str, entry: dict[str, Any]) -> dict[str, Any]:
    """`entry` with what every sandbox gets that an agent makes."""
    below = entry.get("template")
    ports = ports_for(workspace.load_template(below), entry.get("env", {})) if below in known_templates() else []
    metadata = {**entry.get("metadata", {}), "deployment": name, "created_by": literal(call.who)}
    more: dict[str, Any] = {"ports": ports} if ports and "ports" not in entry else {}
    if entry.get("kind", "service") == "service":
        own = entry.get("timeout")
        # A person wrote the template, and may write `2h` there.
        more["timeout"] = own if isinstance(own, str) else lifetime(policy, own)
    finished = {**entry, **more, "metadata": metadata}
    return {key: value for key, value in finished.items() if value or key != "env"}


def _defaults(template: str) -> dict[str, Any]:
    declared = workspace.read_parameters(template)
    return {name: one["default"] for name, one in declared.items() if isinstance(one, dict) and "default" in one}


def _given(template: str, variables: dict[str, Any]) -> dict[str, Any]:
    """The values of a template's parameters, as the types that it declares. Raises `InputError` for unknown ones."""
    declared = workspace.read_parameters(template)
    given: dict[str, Any] = {}
    for name, value in variables.items():
        if name not in declared:
            hint = suggest(name, declared, f"parameters of {template}")
            raise InputError(Diagnostic(f"the template {template} has no parameter `{name}`", hint=hint))
        given[name] = _typed(as_text(value), (declared[name] or {}).get("type", "string"))
    return given


def _typed(text: str, kind: str) -> Any:
    if kind == "integer" and text.lstrip("-").isdecimal():
        return int(text)
    if kind == "number":
        try:
            return float(text)
        except ValueError:
            return literal(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return with_secrets(text)
