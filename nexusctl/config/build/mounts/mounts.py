"""Mounts: named volumes of the stack and folders of this machine, except those that would open the machine."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

from nexusctl.config.document.declared import Declared
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.paths import locate
from nexusctl.config.document.problems import Problems
from nexusctl.config.document.unique import keep_first
from nexusctl.config.trust.closed_paths import why_closed
from nexusctl.model.stack import Mount
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.model.values.links import follow_links


def build_mounts(sandbox: Mapping, declared: Declared, problems: Problems) -> tuple[Mount, ...]:
    """The mounts of a sandbox; `declared` are the volumes of the stack."""
    node = sandbox.get("volumes")
    items = node.items if isinstance(node, Sequence) else []
    built = ((_build_mount(item, declared, problems), item) for item in items)
    mounts = keep_first(built, lambda mount: mount.target, _same_target, problems)
    return tuple(mount for mount, _ in mounts)


def mount_place(sandbox: Mapping, target: str) -> Node:
    """Where the file mounts something at `target`."""
    node = sandbox.get("volumes")
    items = node.items if isinstance(node, Sequence) else []
    found = (item for item in items if posixpath.normpath(_read_target(item)) == target)
    return next(found, sandbox)


def _read_target(item: Node) -> str:
    if isinstance(item, Mapping):
        return item.text("target") or ""
    parts = item.text.split(":") if isinstance(item, Scalar) else []
    return next(iter(parts[1:]), "")


def _same_target(mount: Mount) -> tuple[str, str]:
    return f"two mounts have the target `{mount.target}`", "give them different targets"


def _build_mount(node: Node, declared: Declared, problems: Problems) -> Mount | None:
    if isinstance(node, Mapping):
        kind = "bind" if "bind" in node.values else "volume"
        place, target = node.values[kind], node.text("target") or ""
        read_only, host_access = (_is_true(node, key) for key in ("read_only", "host_access"))
    elif isinstance(node, Scalar) and ":" not in node.text:
        target = _target(node, node.text, problems)
        return Mount(kind="anonymous", source="", target=target) if target else None
    else:
        place, parts = node, (node.text if isinstance(node, Scalar) else "").split(":")
        kind = "bind" if parts[0].startswith((".", "/", "~")) else "volume"
        target, read_only, host_access = parts[1], parts[2:] == ["ro"], False
    if not isinstance(place, Scalar):
        return None
    if host_access and kind == "volume":
        summary = "`host_access` is for a `bind`, and this is a volume"
        problems.add(place, summary, "remove it: what is in a volume is never this machine's")
    target = _target(node, target, problems)
    name = place.text if isinstance(node, Mapping) else place.text.split(":")[0]
    source = (
        _bind(place, name, problems, host_access=host_access)
        if kind == "bind"
        else _volume(place, name, declared, problems)
    )
    if not target or source is None:
        return None
    real, links = follow_links(source) if kind == "bind" else ("", ())
    return Mount(
        kind="bind" if kind == "bind" else "volume",
        source=source,
        target=target,
        read_only=read_only,
        real=real,
        links=links,
    )


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


def _bind(place: Scalar, text: str, problems: Problems, *, host_access: bool) -> str | None:
    # Of a stranger's file it has to lie in the project all the same.
    path = locate(place, "bind", problems, text, outside=True)
    if path is None:
        return None
    real = Path(os.path.realpath(path))
    why = why_closed(path)
    if not why or (host_access and not place.source.trust.untrusted):
        return str(path)
    via = f" (it leads to `{real}`)" if real != path else ""
    hint = "mount a folder of your own, or say that it is meant: `{bind: PATH, target: PATH, host_access: true}`"
    problems.add(place, f"`{text}` cannot be mounted: {why}{via}, which hands this machine to the sandbox", hint)
    return None


def _is_true(node: Mapping, key: str) -> bool:
    return (node.text(key) or "").lower() == "true"
