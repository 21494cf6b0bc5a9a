"""Mounts: named volumes of the stack and folders of this machine, except those that would open the machine."""

from __future__ import annotations

import posixpath
from pathlib import Path

from nexusctl.config.declared import Declared
from nexusctl.config.host import locate
from nexusctl.config.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.once import keep_first
from nexusctl.config.problems import Problems
from nexusctl.config.suggestion import suggest
from nexusctl.model.stack import Mount

# Whoever can write here, or reach the engine's socket, is root on this machine.
_CLOSED_TREES = ("/etc", "/proc", "/sys", "/dev", "/var/lib/docker", "/var/lib/containerd", "/boot")
_CLOSED_FOLDERS = ("/run", "/run/docker", "/run/containerd")
_SOCKETS = {"docker.sock", "podman.sock", "containerd.sock", "crio.sock"}


def build_mounts(sandbox: Mapping, declared: Declared, problems: Problems) -> tuple[Mount, ...]:
    """The mounts of a sandbox; `declared` are the volumes of the stack."""
    node = sandbox.get("volumes")
    items = node.items if isinstance(node, Sequence) else []
    built = ((_build_mount(item, declared, problems), item) for item in items)
    mounts = keep_first(built, lambda mount: mount.target, _same_target, problems)
    return tuple(mount for mount, _ in mounts)


def _same_target(mount: Mount) -> tuple[str, str]:
    return f"two mounts have the target `{mount.target}`", "give them different targets"


def _build_mount(node: Node, declared: Declared, problems: Problems) -> Mount | None:
    if isinstance(node, Mapping):
        kind = "bind" if "bind" in node.values else "volume"
        place, target = node.values[kind], node.text("target") or ""
        read_only = (node.text("read_only") or "").lower() == "true"
    else:
        place, parts = node, (node.text if isinstance(node, Scalar) else "").split(":")
        kind = "bind" if parts[0].startswith((".", "/", "~")) else "volume"
        target, read_only = parts[1], parts[2:] == ["ro"]
    if not isinstance(place, Scalar):
        return None
    target = _target(node, target, problems)
    name = place.text if isinstance(node, Mapping) else place.text.split(":")[0]
    source = _bind(place, name, problems) if kind == "bind" else _volume(place, name, declared, problems)
    if not target or source is None:
        return None
    return Mount(kind="bind" if kind == "bind" else "volume", source=source, target=target, read_only=read_only)


def _target(node: Node, text: str, problems: Problems) -> str:
    target = posixpath.normpath(text).replace("//", "/")
    closed = target == "/" or any(target == top or target.startswith(top + "/") for top in ("/proc", "/sys"))
    if closed or ".." in text.split("/"):
        problems.add(node, f"nothing can be mounted at `{text}`", "choose a folder of its own, such as `/data`")
        return ""
    return target


def _volume(place: Scalar, name: str, declared: Declared, problems: Problems) -> str | None:
    if name in declared:
        return name
    hint = f"declare it at the top: `volumes: {{{name}: }}`, or write `./{name}` for a folder"
    if declared:
        known = suggest(name, declared, "volumes of this stack")
        hint = f"{known}{'' if known.endswith('?') else ';'} for a folder write `./{name}`"
    problems.add(place, f"there is no volume `{name}` in this stack", hint, *declared.deletions(name))
    return None


def _bind(place: Scalar, text: str, problems: Problems) -> str | None:
    path = locate(place, "bind", problems, text)
    if path is None:
        return None
    real = path.resolve()
    if not (is_closed(real) or is_closed(path)):
        return str(path)
    via = f" (it leads to `{real}`)" if real != path else ""
    hint = "mount a folder of your own, or `uploads` for single files"
    problems.add(place, f"`{text}` cannot be mounted: it would hand this machine to the sandbox{via}", hint)
    return None


def is_closed(path: Path) -> bool:
    """Whether mounting `path`, which is absolute, would hand this machine to the sandbox."""
    trees = [Path(tree) for tree in _CLOSED_TREES]
    folders = [Path(folder) for folder in _CLOSED_FOLDERS]
    inside = any(path.is_relative_to(tree) for tree in trees)
    around = any(closed.is_relative_to(path) for closed in trees + folders)
    return inside or around or path.name in _SOCKETS
