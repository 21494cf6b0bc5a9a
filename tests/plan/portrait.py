"""What an engine in memory holds of a stack: as values that can be compared, and held against what was declared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nexusctl.engine.memory import MemoryEngine
from nexusctl.engine.memory.objects import find_amendments
from nexusctl.engine.memory.world import MemoryContainer
from nexusctl.model.engine_names import (
    anonymous_volume_name,
    container_name,
    environment_tag,
    network_name,
    recipe_tag,
    volume_name,
)
from nexusctl.model.stack import LIMITS, Port, Sandbox, Stack
from nexusctl.model.uploads_and_packages import PackageSet, Upload, UploadFile
from tests.plan.drafts import FOREIGN_NETWORK
from tests.plan.variants import REMOTE

IN_PLACE = ("resources", "restart", "networks", "uploads")
"""Fields of a container that are not those of its birth any more."""

RECORDED = (
    *("template", "depends_on", "run", "on_replace", "start_timeout", "timeout", "stop_grace_period", "metadata"),
    *("packages", "secrets", "lifecycle", "aliases", "shares", "state", "pre_stop", "artifacts"),
    *("keep_until", "on_expire", "idle_timeout"),
)
"""Fields that only the record knows here: this engine installs nothing, and the secrets are looked at apart."""

NAMES = tuple(f"{letter}{number}" for letter in "abcde" for number in ("", "-1", "-2", "-3", "-north", "-south"))
"""What a sandbox may have been called before it was moved."""

Portrait = dict[str, Any]


def take_portrait(engine: MemoryEngine, stack: Stack) -> Portrait:
    """All that is there of `stack`, without ids and amendments: those differ with the way that led here.

    What is left alone is left out: idle sandboxes, fields that are ignored, and the networks of those alone.
    """
    own = [c for c in engine.containers.values() if c.stack == stack.name and not is_idle(engine, c, stack)]
    bound = {network_id for c in own if _is_bound(read_record(engine, c).name, stack) for network_id in c.networks}
    others = [c for c in engine.containers.values() if c.stack == stack.name and is_idle(engine, c, stack)]
    free = {network_id for c in others for network_id in c.networks}
    loose = _is_loose(stack)
    known = {*engine.containers, *(end.container_id for end in engine.ends.values())}
    networks = [
        network
        for network_id, (owner, network) in engine.networks.items()
        if owner == stack.name and (network_id in bound or (network_id not in free and not loose))
    ]
    return {
        "containers": sorted((_describe(engine, container) for container in own), key=str),
        "networks": sorted((network.name, network.internal) for network in networks),
        "volumes": sorted(
            volume.name for owner, volume in engine.volumes.values() if owner == stack.name and not volume.sandbox
        ),
        "orphans": sorted(a.name for a in engine.amendments.values() if a.container_id not in known),
    }


def expected_portrait(stack: Stack, volumes: set[str]) -> Portrait:
    """The portrait of an engine that has what `stack` says, and besides the `volumes` of earlier ones."""
    used = {name for key, sandbox in stack.sandboxes.items() if _is_bound(key, stack) for name in sandbox.networks}
    own = [network for network in stack.networks.values() if network.name in used and not network.external]
    made = {volume_name(stack.name, volume.name) for volume in stack.volumes.values() if not volume.external}
    return {
        "containers": sorted((_expect(sandbox, stack) for sandbox in stack.sandboxes.values()), key=str),
        "networks": sorted((network_name(stack.name, network.name), network.internal) for network in own),
        "volumes": sorted(volumes | made),
        "orphans": [],
    }


def is_idle(engine: MemoryEngine, container: MemoryContainer, stack: Stack) -> bool:
    group = read_record(engine, container).group
    return bool({group, *(move.target for move in stack.moved if move.source == group)} & {*stack.inactive})


def read_record(engine: MemoryEngine, container: MemoryContainer) -> Sandbox:
    """The newest one: it has the names that the container goes by."""
    amendments = find_amendments(engine, container.id)
    return (amendments[-1].sandbox if amendments else None) or container.sandbox


def _is_bound(name: str, stack: Stack) -> bool:
    """Whether the sandbox is for certain on the networks that the file says.

    A task that has run is on them no more where they were lost; that shows only where networks are left out.
    """
    sandbox = stack.sandboxes.get(name)
    if _roams(sandbox):
        return False
    done = sandbox is not None and sandbox.kind == "task" and sandbox.run != "always"
    return not (done and _is_loose(stack))


def _is_loose(stack: Stack) -> bool:
    return any(map(_roams, stack.sandboxes.values()))


def _roams(sandbox: Sandbox | None) -> bool:
    """Whether a service keeps the networks that it is on, whatever the file says."""
    return sandbox is not None and "networks" in sandbox.lifecycle.ignore


def _call_own(container: MemoryContainer, record: Sandbox, target: str) -> str:
    """A volume of its own keeps the name that it got from a sandbox which was called otherwise."""
    found = container.anonymous[target]
    earlier = {anonymous_volume_name(container.stack, name, target) for name in NAMES}
    return anonymous_volume_name(container.stack, record.name, target) if found in earlier else found


def _describe(engine: MemoryEngine, container: MemoryContainer) -> dict[str, Any]:
    born = container.sandbox
    record = read_record(engine, container)
    joined = {engine.networks[i][1].name if i in engine.networks else "gone" for i in container.networks}
    effective = replace(
        born,
        # This engine only watches it.
        resources=replace(container.resources, storage=record.resources.storage),
        restart=container.restart,
        networks=tuple(sorted(joined)),
        uploads=(),
        name=record.name,
        group=record.group,
        **{name: getattr(record, name) for name in RECORDED},
    )
    return {
        "name": container.name,
        "state": _STATES.get(container.state, container.state) if record.kind == "service" else container.state,
        "exit": container.exit_code if container.state == "exited" and record.kind == "task" else None,
        # Packages may have been installed in place, on whatever was there.
        "image": "" if born.packages or _keeps_image(record) else container.placement.image,
        "volumes": sorted(container.placement.volumes[m.source] for m in born.mounts if m.kind == "volume"),
        # Its image may bring more of them.
        "own": {m.target: _call_own(container, record, m.target) for m in born.mounts if m.kind == "anonymous"},
        "ports": [
            (p.container, p.protocol, p.address, p.host if _is_fixed(p, born) else "any")
            for p in container.ports
            if not _is_left(record, "ports")
        ],
        "known": container.state in _STATES or _roams(record) or _is_known(container, record),
        "spec": _comparable(effective),
        "record": _comparable(record),
        "secrets": dict(sorted(container.secrets.items())),
        "files": {
            path: file
            for path, file in sorted(container.files.items())
            if file.kind != "folder" and not _is_left(record, f"uploads.{path}")
        },
    }


_STATES = {"created": "stopped", "exited": "stopped"}
"""One that is to be stopped may never have run."""


def _is_known(container: MemoryContainer, record: Sandbox) -> bool:
    """Whether others find it by its names in each of its networks."""
    plain = {record.name, record.group}
    full = {container_name(container.stack, name) for name in plain}
    return all(
        (full if network == FOREIGN_NETWORK else plain) <= set(container.aliases.get(network, ()))
        for network in container.networks.values()
    )


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
        "state": "exited" if done else sandbox.state,
        "exit": 0 if done else None,
        "image": "" if _keeps_image(sandbox) else _expected_image(sandbox, stack),
        "volumes": sorted(volumes[m.source] for m in sandbox.mounts if m.kind == "volume"),
        "own": {
            m.target: anonymous_volume_name(stack.name, sandbox.name, m.target)
            for m in sandbox.mounts
            if m.kind == "anonymous"
        },
        "ports": [
            (p.container, p.protocol, p.address, p.host or "any")
            for p in ports
            if not _is_left(sandbox, "ports") and sandbox.state != "stopped"
        ],
        "known": True,
        "spec": _comparable(effective),
        "record": _comparable(sandbox),
        "secrets": {file.name: file.digest.encode() for file in sorted(sandbox.secrets, key=lambda f: f.name)},
        "files": {
            path: file
            for path, file in sorted(_files(sandbox.uploads).items())
            if not _is_left(sandbox, f"uploads.{path}")
        },
    }


def _expected_image(sandbox: Sandbox, stack: Stack) -> str:
    base = recipe_tag(stack.templates["node"]) if sandbox.image == REMOTE else sandbox.image
    return environment_tag(base, sandbox.packages, sandbox.working_dir) if sandbox.packages else base


def _keeps_image(sandbox: Sandbox) -> bool:
    """Whether what it runs from need not be what the file says now, nor what it was born from what its record says."""
    kept = any(path.partition(".")[0] in ("image", "packages") for path in sandbox.lifecycle.ignore)
    return bool(sandbox.packages) or kept


def _is_left(sandbox: Sandbox, path: str) -> bool:
    """Whether `path` is ignored, or lies below what is."""
    return any(path == word or path.startswith((f"{word}.", f"{word}/")) for word in sandbox.lifecycle.ignore)


def _comparable(sandbox: Sandbox) -> Sandbox:
    """Without what an order means nothing to, and what is not to be touched."""
    fields = ("image", "command", "restart", "networks", "ports")
    whole: dict[str, Any] = {name: getattr(_NONE, name) for name in fields if _is_left(sandbox, name)}
    left: dict[str, Any] = {n: getattr(_NONE.resources, n) for n in LIMITS if _is_left(sandbox, f"resources.{n}")}
    comparable = replace(
        sandbox,
        env={key: value for key, value in sandbox.env.items() if not _is_left(sandbox, f"env.{key}")},
        metadata={key: value for key, value in sandbox.metadata.items() if not _is_left(sandbox, f"metadata.{key}")},
        packages=tuple(_without_left(chosen, sandbox) for chosen in sandbox.packages),
        resources=replace(sandbox.resources, **left),
        depends_on=tuple(sorted(sandbox.depends_on, key=lambda d: d.sandbox)),
        networks=tuple(sorted(sandbox.networks)),
        uploads=tuple(
            sorted(
                (upload for upload in sandbox.uploads if not _is_left(sandbox, f"uploads.{upload.target}")),
                key=lambda u: u.target,
            )
        ),
    )
    asked = tuple(chosen for chosen in comparable.packages if chosen.packages or chosen.lock_name)
    return replace(comparable, packages=asked, **whole)


_NONE = Sandbox(name="", group="", image="", networks=())


def _without_left(chosen: PackageSet, sandbox: Sandbox) -> PackageSet:
    left = (p for p in chosen.packages if not _is_left(sandbox, f"packages.{chosen.manager}.{p.name}"))
    return replace(chosen, packages=tuple(left))


def _files(uploads: tuple[Upload, ...]) -> dict[str, UploadFile]:
    found = {f"{u.target.rstrip('/')}/{f.path}" if f.path else u.target: f for u in uploads for f in u.files}
    return {path: file for path, file in found.items() if file.kind != "folder"}


def _is_fixed(port: Port, born: Sandbox) -> bool:
    return any(p.host == port.host and p.container == port.container for p in born.ports)
