"""A sandbox, as the planner knows it, in the words of a stack file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nexusctl.config.build.limits import NO_LIMIT
from nexusctl.config.build.packages import package_text, plain_options
from nexusctl.config.build.units import parse_size
from nexusctl.config.document import expression
from nexusctl.config.trust.closed_paths import is_closed
from nexusctl.model.secret import SecretFile, SecretText, Text
from nexusctl.model.stack import LIMITS, Health, Lifecycle, Mount, Port, Resources, Sandbox
from nexusctl.model.template import Template
from nexusctl.model.uploads_and_packages import PackageSet
from nexusctl.model.values.utc import utc
from nexusctl.plan.compare.fields import TABLE

_SIZES = ("memory", "storage")
_MEBIBYTE = 1024 * 1024
_SHELL = ("/bin/sh", "-c")


def plain_sandbox(sandbox: Sandbox, template: Template | None) -> dict[str, Any]:
    """Everything that `sandbox` says, without what a stack file says by itself.

    Left out are its uploads, lock files and dependencies, for which other files or names are needed. Where `template`
    is given, what it would bring and the sandbox does not have is switched off.
    """
    said: dict[str, Any] = {
        "template": template.name if template else None,
        "image": sandbox.image if template is None or sandbox.image != template.image else None,
        "kind": sandbox.kind if sandbox.kind != "service" else None,
        "run": sandbox.run if sandbox.kind == "task" and sandbox.run != "changed" else None,
        "command": plain_command(sandbox.command),
        "working_dir": escape(sandbox.working_dir),
        "user": escape(sandbox.user),
        "env": {name: plain_text(text) for name, text in sandbox.env.items()},
        "packages": _packages(sandbox),
        "secrets": [_secret(file) for file in sandbox.secrets],
        "startup": escape(sandbox.startup),
        "pre_stop": escape(sandbox.pre_stop),
        "artifacts": [escape(path) for path in sandbox.artifacts],
        "health": _health(sandbox.health) if sandbox.image_health else "none",
        "start_timeout": f"{sandbox.start_timeout}s" if sandbox.start_timeout else None,
        "ports": [_port(port) for port in sandbox.ports],
        "volumes": [_mount(mount) for mount in sandbox.mounts],
        "resources": _resources(sandbox.resources, template),
        "restart": sandbox.restart if sandbox.restart != "no" else None,
        "state": sandbox.state if sandbox.state != "running" else None,
        "stop_grace_period": None if sandbox.stop_grace_period is None else f"{sandbox.stop_grace_period}s",
        "stop_signal": sandbox.stop_signal,
        "cap_add": list(sandbox.cap_add),
        "cap_drop": list(sandbox.cap_drop),
        **{rule.field: rule.plain(getattr(sandbox, rule.field)) for rule in TABLE if rule.plain},
        "on_replace": sandbox.on_replace if sandbox.on_replace != "discard" else None,
        "timeout": f"{sandbox.timeout}s" if sandbox.timeout else None,
        "idle_timeout": f"{sandbox.idle_timeout}s" if sandbox.idle_timeout else None,
        "keep_until": None if sandbox.keep_until is None else utc(sandbox.keep_until),
        "on_expire": sandbox.on_expire if sandbox.on_expire != "stop" else None,
        "metadata": {name: escape(value) for name, value in sandbox.metadata.items()},
        "lifecycle": _lifecycle(sandbox.lifecycle),
    }
    off = _switched_off(said, template) if template and sandbox.kind == "service" else {}
    networks: dict[str, Any] = {} if sandbox.networks == ("default",) else {"networks": list(sandbox.networks)}
    if sandbox.aliases:
        aliases = {name: [escape(alias) for alias in names] for name, names in sandbox.aliases.items()}
        networks = {"networks": {n: {"aliases": aliases[n]} if n in aliases else None for n in sandbox.networks}}
    return {key: value for key, value in said.items() if value not in (None, [], {})} | off | networks


def escape(text: Any) -> Any:
    """A literal text; a `${` in it would begin a reference."""
    return expression.escape(text) if isinstance(text, str) else text


def plain_text(text: Text) -> str:
    if isinstance(text, SecretText):
        return "".join(escape(part) if isinstance(part, str) else _reference(part.secret) for part in text.parts)
    return str(escape(text))


def _reference(secret: str) -> str:
    variable = sensitive_variable(secret)
    return f"${{var.{variable}}}" if variable else f"${{secret.{secret}}}"


def sensitive_variable(secret: str) -> str:
    """The variable that gives what a record calls `secret`, where that was no secret of the stack; else empty.

    It was the value of a sensitive variable, or of a parameter of a template, which a sandbox gave.
    """
    if "." not in secret:
        return ""
    name = secret.removeprefix("var.") if secret.startswith("var.") else secret.replace(".with.", "_", 1)
    fitted = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return (f"_{fitted}" if fitted[:1].isdigit() else fitted)[:64]


def plain_command(command: tuple[str, ...] | None) -> Any:
    """A text where a shell runs one, else the list."""
    if command is None:
        return None
    if len(command) == 3 and command[:2] == _SHELL and command[2]:
        return escape(command[2])
    return [escape(word) for word in command]


def _switched_off(said: Mapping[str, Any], template: Template) -> dict[str, Any]:
    empty = {"health": "none", "ports": [], "volumes": [], "restart": "no"}
    return {key: value for key, value in empty.items() if key in template.defaults and not said[key]}


def _packages(sandbox: Sandbox) -> dict[str, Any]:
    return {chosen.manager: _package_set(chosen) for chosen in sandbox.packages if chosen.packages}


def _package_set(chosen: PackageSet) -> Any:
    listed, options = [package_text(chosen.manager, package) for package in chosen.packages], plain_options(chosen)
    return {"packages": listed, **options} if options else listed


def _secret(file: SecretFile) -> Any:
    return file.secret if file.name == file.secret else {"secret": file.secret, "target": file.name}


def _health(health: Health | None) -> dict[str, Any] | None:
    if health is None:
        return None
    probe: dict[str, Any]
    if health.command:
        probe = {"command": plain_command(health.command)}
    elif health.http_port:
        probe = {"http": {"port": health.http_port, "path": health.http_path}}
    else:
        probe = {"tcp": health.tcp_port}
    default = Health()
    times = {name: getattr(health, name) for name in ("interval", "timeout", "retries", "start_period")}
    return probe | {name: _figure(value) for name, value in times.items() if value != getattr(default, name)}


def _figure(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value


def _port(port: Port) -> Any:
    if port.host is None and port.address == "127.0.0.1" and port.protocol == "tcp":
        return port.container
    address = f"[{port.address}]" if ":" in port.address else port.address
    suffix = "" if port.protocol == "tcp" else f"/{port.protocol}"
    return f"{address}:{port.host or ''}:{port.container}{suffix}"


def _mount(mount: Mount) -> Any:
    if mount.kind == "anonymous":
        return escape(mount.target)
    closed = mount.kind == "bind" and is_closed(Path(mount.source))
    if ":" in mount.source or ":" in mount.target or closed:
        flags = {"read_only": mount.read_only, "host_access": closed}
        said = {key: True for key, value in flags.items() if value}
        return {mount.kind: mount.source, "target": mount.target, **said}
    return f"{escape(mount.source)}:{escape(mount.target)}{':ro' if mount.read_only else ''}"


def _resources(resources: Resources, template: Template | None) -> dict[str, Any]:
    """What `template` brings anyway is left out, and what the sandbox lacks of it is said, too."""
    default, brought = Resources(), _limits(template)
    found: dict[str, Any] = {}
    for key in LIMITS:
        value, otherwise = getattr(resources, key), brought.get(key, getattr(default, key))
        if value != otherwise:
            found[key] = NO_LIMIT if value is None else _bytes(value) if key in _SIZES else _figure(value)
    return found


def _limits(template: Template | None) -> dict[str, float]:
    limits = template.defaults.get("resources", {}) if template else {}
    return {key: parse_size(value) if isinstance(value, str) else value for key, value in limits.items()}


def _bytes(count: int) -> int | str:
    return f"{count // _MEBIBYTE}m" if count % _MEBIBYTE == 0 else count


def _lifecycle(lifecycle: Lifecycle) -> dict[str, Any]:
    found: dict[str, Any] = {"prevent_destroy": True} if lifecycle.prevent_destroy else {}
    if lifecycle.ignore:
        found["ignore"] = ["volumes" if path == "mounts" else path for path in lifecycle.ignore]
    return found
