"""Volumes of a service."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from pathlib import Path
from typing import Any

from nexusctl.config.document.expression import OPENING
from nexusctl.config.document.node import Mapping, Node, Scalar
from nexusctl.config.trust.closed_paths import is_closed
from nexusctl.config.trust.project_folder import why_outside
from nexusctl.importers.compose.reader import Reader
from nexusctl.importers.compose.texts.variable_masks import UNKNOWN, mask
from nexusctl.importers.draft.draft import move_path
from nexusctl.importers.draft.references import is_elsewhere, settle_here


def read_mounts(service: Reader, volumes: dict[str, str], origin: Path, target: Path) -> list[Any]:
    """The mounts as a stack file writes them; `volumes` maps names of the Compose file to the draft's."""
    found = (_read_mount(item, service, volumes, origin, target) for item in service.items("volumes"))
    return [mount for mount in found if mount is not None]


def _read_mount(item: Node, service: Reader, volumes: dict[str, str], origin: Path, target: Path) -> Any:
    what = f"{service.where}.volumes"
    if isinstance(item, Mapping):
        return _read_long(item, service, volumes, origin, target)
    text = service.rewrite(item) if isinstance(item, Scalar) else ""
    masked = mask(text)
    parts = [masked.show(part) for part in masked.text.split(":")]
    if len(parts) == 1 and parts[0].startswith("/"):
        return text
    if len(parts) == 1:
        service.drop_at(what, explain_lost("volume", text), item)
        return None
    source, place, mode = parts[0], parts[1], parts[2] if len(parts) > 2 else ""
    if set(mode.split(",")) - {"", "ro", "rw"}:
        service.drop_at(what, f"of the mode `{mode}` only `ro` and `rw` have a place", item)
    read_only = "ro" in mode.split(",")
    if settle_here(source, item.source.trust).startswith((".", "/", "~")):
        return read_bind(item, service, "volumes", source, place, read_only, origin, target)
    return _volume(item, service, source, place, read_only, volumes)


def _read_long(item: Mapping, service: Reader, volumes: dict[str, str], origin: Path, target: Path) -> Any:
    mount = service.inside("volumes[]", item)
    kind, source, place = mount.text("type") or "volume", mount.text("source") or "", mount.text("target") or ""
    read_only = mount.flag("read_only")
    for key, plain in (("bind", {"create_host_path": True}), ("volume", {})):
        if (settings := mount.below(key)) and not _is_plain(settings.node, plain):
            mount.drop(key, "only its source, its target and `read_only` have a place")
    mount.finish({}, "only its source, its target and `read_only` have a place")
    if kind == "bind":
        return read_bind(item, service, "volumes", source, place, read_only, origin, target)
    if kind == "volume" and not source and not read_only and place.startswith("/"):
        return place
    if kind != "volume" or not source:
        service.drop_at(f"{service.where}.volumes", explain_lost(kind, place), item)
        return None
    return _volume(item, service, source, place, read_only, volumes)


def _is_plain(settings: Mapping, plain: MappingType[str, Any]) -> bool:
    """Whether `settings` say no more than what is so without them."""
    said = {key: node.value for key, node in settings.values.items() if isinstance(node, Scalar)}
    return len(said) == len(settings.values) and said.items() <= plain.items()


def explain_lost(kind: str, place: str) -> str:
    """Why a mount has no place that is neither a bind mount nor a volume with a name."""
    if kind == "volume":
        return f"the anonymous volume at {place} has no name that could keep its data; name it"
    if kind == "tmpfs":
        return f"the mount at {place} is in memory; write `tmpfs: [{place}]` at the sandbox"
    return f"the mount at {place} is a {kind}, which has no place in a stack file"


def read_bind(
    item: Node, reader: Reader, key: str, source: str, place: str, read_only: bool, origin: Path, target: Path
) -> str | None:
    """A folder of this machine as a stack file writes it; None where it has no place, which is left over at `key`."""
    trust = item.source.trust
    path = (origin / Path(settle_here(source, trust)).expanduser()).absolute()
    if trust.untrusted and (why := why_outside(path, trust.project)):
        reader.drop_at(reader.path(key), f"{source} {why}; {trust.hint}", item)
        return None
    if is_closed(path):
        reader.drop_at(reader.path(key), f"{source} would hand this machine to the sandbox", item)
        return None
    if not path.exists():
        reader.drop_at(reader.path(key), f"{source} does not exist; Docker would make an empty folder", item)
        return None
    if OPENING in source and is_elsewhere(source, origin, target, trust):
        reader.drop_at(reader.path(key), UNKNOWN.format(source), item)
        return None
    written = source if OPENING in source else move_path(source, origin, target)
    return f"{written}:{place}{':ro' if read_only else ''}"


def _volume(
    item: Node, service: Reader, source: str, place: str, read_only: bool, volumes: dict[str, str]
) -> str | None:
    if source not in volumes:
        unknown, undeclared = UNKNOWN.format(f"{source}:{place}"), f"the volume {source} is not declared"
        service.drop_at(f"{service.where}.volumes", unknown if OPENING in source else undeclared, item)
        return None
    return f"{volumes[source]}:{place}{':ro' if read_only else ''}"
