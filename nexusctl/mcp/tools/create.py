"""`sandbox_create`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nexusctl.api import workspace
from nexusctl.errors import Diagnostic, InputError
from nexusctl.mcp.door import Answer, Call, Door, told
from nexusctl.mcp.edits.batches import BatchResult
from nexusctl.mcp.edits.draft import StackDraft
from nexusctl.mcp.looks import Seen, id_of
from nexusctl.mcp.policy import Policy
from nexusctl.mcp.text_values import as_text, literal, reference, secrets_in, texts
from nexusctl.mcp.tools.describe import expires_at, state_of
from nexusctl.mcp.tools.times import utc
from nexusctl.model.template import Template
from nexusctl.model.values.did_you_mean import suggest

TIMEOUT = 3600
"""Seconds that a sandbox lives where nobody says how many."""

_KEYS = {"anthropic_key": "ANTHROPIC_API_KEY", "api_key": "API_KEY"}


def create(door: Door, call: Call) -> Answer:
    """Add a sandbox to the file, and make it."""
    template = find_template(door, call["template"])
    name = name_for(call.get("name"), call["template"])
    entry = _entry(door.policy, call, template)

    def edit(draft: StackDraft) -> StackDraft:
        return add_sandbox(door.policy, draft, name, entry)

    done = door.change(call, (name,), edit, f"Create {name}")
    if not isinstance(done, BatchResult):
        return done
    seen = door.look()
    status = seen.status(name)
    return told(
        replace(done, warnings=(*done.warnings, *warn_of_secrets(call.get("env_vars", {})))),
        {
            "sandbox_id": id_of(name),
            "name": name,
            "status": state_of(seen, status),
            "template": call["template"],
            "created_at": created_at(seen, name),
            "packages_installed": count_packages(seen, name, call.get("install_packages", ())),
            "env_vars_set": len(entry.get("env", {})),
            "endpoint": status.endpoint or None,
            "expires_at": expires_at(status),
        },
    )


def warn_of_secrets(env: Mapping[str, Any]) -> list[Diagnostic]:
    """A warning where env vars look like secrets, which stand in the stack file then."""
    said = {name: as_text(value) for name, value in env.items()}
    found = [name for name, text in said.items() if not secrets_in(text) and workspace.looks_secret(name, text)]
    if not found:
        return []
    what = (
        f"{', '.join(found)}: {'this looks' if len(found) == 1 else 'these look'} like a secret, and stands in the file"
    )
    hint = "a person declares it under `secrets`, and `${secret.NAME}` takes its place"
    return [Diagnostic(f"{what}; {hint}", severity="warning")]


def find_template(door: Door, name: str) -> Template:
    """The template of that name. Raises `InputError` for a path, which an agent has no say over, and for none."""
    known = known_templates()
    if name not in known:
        # Half of a long name is like no other one.
        longer = [one for one in known if len(name) > 2 and one.startswith(name)]
        hint = f"did you mean `{longer[0]}`?" if len(longer) == 1 else suggest(name, known, "templates")
        raise InputError(Diagnostic(f"there is no template `{name[:60]}`", hint=hint))
    door.policy.require_template(name)
    return workspace.load_template(name)


def known_templates() -> list[str]:
    """The names of all templates that a sandbox of the workspace can start from."""
    return sorted({*workspace.template_names(), *workspace.own_templates()})


def name_for(asked: str | None, base: str) -> str:
    """The name that was asked for, or a new one. Raises `InputError` where it cannot be that of a sandbox."""
    if asked is None:
        return f"{workspace.fit_name(base)[:30]}-{os.urandom(3).hex()}"
    if workspace.fit_name(asked, "") != asked:
        hint = f"use lower-case letters, digits and dashes, at most 40, such as `{workspace.fit_name(asked, 'api')}`"
        raise InputError(Diagnostic(f"a sandbox cannot be called `{asked[:60]}`", hint=hint))
    return asked


def add_sandbox(policy: Policy, draft: StackDraft, name: str, entry: dict[str, Any]) -> StackDraft:
    """`draft` with one more sandbox. Raises `InputError` where there is one of that name."""
    names = draft.names()
    if name in names:
        hint = f"take another name, or change it by its id, `{id_of(name)}`"
        lines = workspace.find_lines(draft.text, ("sandboxes", name), draft.path)
        where = f", in line {lines[0]} of `{draft.path}`" if lines else ""
        raise InputError(Diagnostic(f"there is a sandbox {name} already{where}", hint=hint))
    policy.require_room(names)
    return draft.add(name, {**entry, **({"resources": dict(policy.resources)} if policy.resources else {})})


def _entry(policy: Policy, call: Call, template: Template) -> dict[str, Any]:
    """What the file says of the new sandbox."""
    env = texts(call.get("env_vars", {}), "env_vars")
    keys = {parameter: reference(call[parameter], parameter) for parameter in _KEYS if call.get(parameter)}
    given = parameters_for(workspace.read_parameters(call["template"]), env, keys)
    if "api_key" not in given:
        env |= {_KEYS[parameter]: key for parameter, key in keys.items()}
    policy.require_secrets([*env.values(), *keys.values()])
    entry: dict[str, Any] = {"template": call["template"], "with": given, "env": env}
    if packages := call.get("install_packages"):
        entry["packages"] = [literal(package) for package in packages]
    if script := call.get("startup_script"):
        entry["startup"] = literal(script)
    if ports := ports_for(template, env):
        entry["ports"] = ports
    entry["timeout"] = lifetime(policy, call.get("timeout"))
    metadata = {key: literal(as_text(value)) for key, value in call.get("metadata", {}).items()}
    entry["metadata"] = {**metadata, "created_by": metadata.get("created_by", literal(call.who))}
    return {key: value for key, value in entry.items() if value}


def lifetime(policy: Policy, asked: int | None) -> int:
    """Seconds that a sandbox lives. Raises `InputError` where that is longer than it may."""
    if asked is None:
        return min(TIMEOUT, policy.max_timeout or TIMEOUT)
    policy.require_timeout(asked)
    return asked


def ports_for(template: Template, env: dict[str, str]) -> list[int]:
    """The ports to publish: the one that PORT names, and the one at which a template's probe asks."""
    if template.defaults.get("ports"):
        return []
    found = []
    if env.get("PORT", "").isdecimal() and 0 < int(env["PORT"]) < 65536:
        found.append(int(env["PORT"]))
    health = template.defaults.get("health")
    for kind in ("http", "tcp"):
        probe = health.get(kind) if isinstance(health, dict) else None
        port = probe.get("port") if isinstance(probe, dict) else probe
        if isinstance(port, int) and port not in found:
            found.append(port)
    return found


def parameters_for(
    declared: Mapping[str, Any], env: Mapping[str, str], keys: Mapping[str, str]
) -> dict[str, str | int]:
    """What a template with these parameters is given: the port that PORT names, and the key of its service."""
    given: dict[str, str | int] = {}
    if "port" in declared and env.get("PORT", "").isdecimal():
        given["port"] = int(env["PORT"])
    if "api_key" in declared and len(keys) == 1:
        given["api_key"] = next(iter(keys.values()))
    return given


def created_at(seen: Seen, name: str) -> str | None:
    """When its container was made."""
    live = seen.container(name)
    return utc(live.created_at) if live else None


def count_packages(seen: Seen, name: str, wanted: Any) -> int:
    """How many of the packages `wanted` are there, by the record of what was installed."""
    live = seen.container(name)
    there = {
        package.name for found in (live.record.packages if live and live.record else ()) for package in found.packages
    }
    return sum(
        any(
            text == one or text.startswith((f"{one}@", f"{one}=", f"{one}<", f"{one}>", f"{one}~", f"{one}["))
            for one in there
        )
        for text in wanted
    )
