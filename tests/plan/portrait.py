"""What an engine in memory holds of a stack: as values that can be compared, and held against what was declared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nexusctl.engine.memory import MemoryEngine
from nexusctl.engine.memory.objects import find_amendments
from nexusctl.engine.memory.world import MemoryContainer
from nexusctl.model.names import container_name, environment_tag, network_name, recipe_tag, volume_name
from nexusctl.model.stack import Port, Sandbox, Stack, Upload, UploadFile
from tests.plan.variants import REMOTE

IN_PLACE = ("resources", "restart", "networks", "uploads")
"""Fields of a container that are not those of its birth any more."""

RECORDED = ("template", "depends_on", "run", "timeout", "metadata", "packages", "secrets", "lifecycle")
"""Fields that only the record knows here: this engine installs nothing, and the secrets are looked at apart."""

Portrait = dict[str, Any]


def take_portrait(engine: MemoryEngine, stack: Stack) -> Portrait:
    """All that is there of `stack`, without ids and amendments: those differ with the way that led here."""
    own = [c for c in engine.containers.values() if c.stack == stack.name]
    networks = [network for owner, network in engine.networks.values() if owner == stack.name]
    return {
        "containers": sorted((_describe(engine, container) for container in own), key=str),
        "networks": sorted((network.name, network.internal) for network in networks),
        "volumes": sorted(volume.name for owner, volume in engine.volumes.values() if owner == stack.name),
        "orphans": sorted(a.name for a in engine.amendments.values() if a.container_id not in engine.containers),
    }


def expected_portrait(stack: Stack, volumes: set[str]) -> Portrait:
    """The portrait of an engine that has what `stack` says, and besides the `volumes` of earlier ones."""
    used = {name for sandbox in stack.sandboxes.values() for name in sandbox.networks}
    own = [network for network in stack.networks.values() if network.name in used and not network.external]
    made = {volume_name(stack.name, volume.name) for volume in stack.volumes.values() if not volume.external}
    return {
        "containers": sorted((_expect(sandbox, stack) for sandbox in stack.sandboxes.values()), key=str),
        "networks": sorted((network_name(stack.name, network.name), network.internal) for network in own),
        "volumes": sorted(volumes | made),
        "orphans": [],
    }


def _describe(engine: MemoryEngine, container: MemoryContainer) -> dict[str, Any]:
    born = container.sandbox
    amendments = find_amendments(engine, container.id)
    record = amendments[-1].sandbox if amendments else born
    joined = {engine.networks[i][1].name if i in engine.networks else "gone" for i in container.networks}
    effective = replace(
        born,
        resources=container.resources,
        restart=container.restart,
        networks=tuple(sorted(joined)),
        uploads=(),
        **{name: getattr(record, name) for name in RECORDED},
    )
    return {
        "name": container.name,
        "state": container.state,
        "exit": container.exit_code if container.state == "exited" else None,
        # Packages may have been installed in place, on whatever was there.
        "image": "" if born.packages or record.packages else container.placement.image,
        "volumes": sorted(container.placement.volumes[m.source] for m in born.mounts if m.kind == "volume"),
        "ports": [
            (p.container, p.protocol, p.address, p.host if _is_fixed(p, born) else "any") for p in container.ports
        ],
        "spec": _comparable(effective),
        "record": _comparable(record),
        "secrets": dict(sorted(container.secrets.items())),
        "files": {path: file for path, file in sorted(container.files.items()) if file.kind != "folder"},
    }


def _expect(sandbox: Sandbox, stack: Stack) -> dict[str, Any]:
    done = sandbox.kind == "task"
    names = {
        network.name: network.external or network_name(stack.name, network.name) for network in stack.networks.values()
    }
    volumes = {
        volume.name: volume.external or volume_name(stack.name, volume.name) for volume in stack.volumes.values()
    }
    ports = sorted(sandbox.ports, key=lambda p: (p.container, p.protocol, p.address, p.host or 0))
    effective = replace(sandbox, uploads=(), networks=tuple(sorted(names[n] for n in sandbox.networks)))
    return {
        "name": container_name(stack.name, sandbox.name),
        "state": "exited" if done else "running",
        "exit": 0 if done else None,
        "image": "" if sandbox.packages else _expected_image(sandbox, stack),
        "volumes": sorted(volumes[m.source] for m in sandbox.mounts if m.kind == "volume"),
        "ports": [(p.container, p.protocol, p.address, p.host or "any") for p in ports],
        "spec": _comparable(effective),
        "record": _comparable(sandbox),
        "secrets": {file.name: file.digest.encode() for file in sorted(sandbox.secrets, key=lambda f: f.name)},
        "files": dict(sorted(_files(sandbox.uploads).items())),
    }


def _expected_image(sandbox: Sandbox, stack: Stack) -> str:
    base = recipe_tag(stack.templates["node"]) if sandbox.image == REMOTE else sandbox.image
    return environment_tag(base, sandbox.packages, sandbox.working_dir) if sandbox.packages else base


def _comparable(sandbox: Sandbox) -> Sandbox:
    """Without what an order means nothing to, and what is not to be touched."""
    return replace(
        sandbox,
        metadata={} if "metadata" in sandbox.lifecycle.ignore else sandbox.metadata,
        depends_on=tuple(sorted(sandbox.depends_on, key=lambda d: d.sandbox)),
        networks=tuple(sorted(sandbox.networks)),
        uploads=tuple(sorted(sandbox.uploads, key=lambda u: u.target)),
    )


def _files(uploads: tuple[Upload, ...]) -> dict[str, UploadFile]:
    found = {f"{u.target.rstrip('/')}/{f.path}" if f.path else u.target: f for u in uploads for f in u.files}
    return {path: file for path, file in found.items() if file.kind != "folder"}


def _is_fixed(port: Port, born: Sandbox) -> bool:
    return any(p.host == port.host and p.container == port.container for p in born.ports)
