"""Reads a golden case's live state: what `applied.yaml` left behind, with the changes that `live.yaml` tells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from nexusctl.config.load import load
from nexusctl.model.engine_names import container_name, environment_tag, image_reference, network_name, volume_name
from nexusctl.model.observed.live import Inspection, LiveImage, LiveNetwork, LiveSandbox, LiveState, LiveVolume, Orphan
from nexusctl.model.stack import Sandbox, Stack


def read_live(case: Path, stack: str) -> LiveState:
    """The live state of a case; empty where the case has neither file."""
    changes: dict[str, Any] = _read_yaml(case / "live.yaml")
    applied = load(case / "applied.yaml") if (case / "applied.yaml").exists() else Stack(name=stack)
    live = replace(as_applied(applied), stack=stack)
    images = {image_reference(ref): LiveImage(id=f"sha256:{ref}", reference=ref) for ref in changes.get("images", [])}
    return replace(
        live,
        sandboxes=tuple(_alter_sandboxes(live, changes.get("sandboxes", {}))),
        networks=tuple(n for n in live.networks if n.network not in changes.get("lost_networks", [])),
        volumes=tuple(v for v in live.volumes if v.volume not in changes.get("lost_volumes", [])),
        images={**live.images, **images},
        taken=changes.get("taken", {}),
        host_ports={
            (entry["address"], entry["port"], entry.get("protocol", "tcp")): entry["owner"]
            for entry in changes.get("host_ports", [])
        },
        unreachable=frozenset(changes.get("unreachable", [])),
        orphans=tuple(Orphan(kind="amendment", name=name) for name in changes.get("orphans", [])),
    )


def as_applied(stack: Stack) -> LiveState:
    """The live state right after `stack` was applied without a fault."""
    used = {network for sandbox in stack.sandboxes.values() for network in sandbox.networks}
    return LiveState(
        stack=stack.name,
        sandboxes=tuple(_live_sandbox(stack, sandbox) for sandbox in stack.sandboxes.values()),
        networks=tuple(
            LiveNetwork(id=f"id-of-{name}", name=network_name(stack.name, name), network=name, internal=internal)
            for name in sorted(used)
            for found in (stack.networks.get(name),)
            for internal in (bool(found and found.internal),)
            if not (found and found.external)
        ),
        volumes=tuple(
            LiveVolume(name=volume_name(stack.name, name), volume=name)
            for name, volume in stack.volumes.items()
            if not volume.external
        ),
        images={
            ref: LiveImage(id=f"sha256:{ref}", reference=ref)
            for sandbox in stack.sandboxes.values()
            for ref in _images_of(sandbox)
        },
    )


def _images_of(sandbox: Sandbox) -> list[str]:
    base = image_reference(sandbox.image)
    return [base, environment_tag(base, sandbox.packages, sandbox.working_dir)] if sandbox.packages else [base]


def _live_sandbox(stack: Stack, sandbox: Sandbox) -> LiveSandbox:
    task = sandbox.kind == "task"
    return LiveSandbox(
        id=f"id-of-{sandbox.name}",
        name=container_name(stack.name, sandbox.name),
        sandbox=sandbox.name,
        state="exited" if task else "running",
        exit_code=0 if task else None,
        record=sandbox,
        reduced=True,
        health="healthy" if sandbox.health else "none",
        image=_images_of(sandbox)[-1],
        image_id=f"sha256:{_images_of(sandbox)[-1]}",
        ports=tuple(replace(port, host=port.host or 49152) for port in sandbox.ports),
        networks={f"id-of-{name}": _call_network(stack, name) for name in sandbox.networks},
        volumes={
            mount.target: stack.volumes[mount.source].external or volume_name(stack.name, mount.source)
            for mount in sandbox.mounts
            if mount.kind == "volume"
        },
        inspection=Inspection(resources=sandbox.resources, restart=sandbox.restart),
    )


def _call_network(stack: Stack, name: str) -> str:
    found = stack.networks.get(name)
    return (found.external if found else None) or network_name(stack.name, name)


def _alter_sandboxes(live: LiveState, changes: dict[str, Any]) -> list[LiveSandbox]:
    altered = []
    for sandbox in live.sandboxes:
        change = dict(changes.get(sandbox.sandbox, {}))
        if change.pop("lost", False):
            continue
        copy = change.pop("copy", None)
        altered.append(_alter(sandbox, change))
        if copy:
            altered.append(_alter(sandbox, copy))
    return altered


def _alter(sandbox: LiveSandbox, change: dict[str, Any]) -> LiveSandbox:
    if "record" in change and change["record"] is None:
        change.setdefault("record_problem", "it is damaged (Expecting value)")
    return replace(sandbox, **change)


def _read_yaml(path: Path) -> dict[str, Any]:
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}
