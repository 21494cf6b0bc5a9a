"""Volumes, configs and secrets of a service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nexusctl.config.mounts import is_closed
from nexusctl.config.node import Mapping, Node, Scalar
from nexusctl.imports.compose.reader import Reader
from nexusctl.imports.draft import move_path


def read_mounts(service: Reader, volumes: dict[str, str], origin: Path, target: Path) -> list[Any]:
    """The mounts as a stack file writes them; `volumes` maps names of the Compose file to the draft's."""
    found = (_read_mount(item, service, volumes, origin, target) for item in service.items("volumes"))
    return [mount for mount in found if mount is not None]


def _read_mount(item: Node, service: Reader, volumes: dict[str, str], origin: Path, target: Path) -> Any:
    what = f"{service.where}.volumes"
    if isinstance(item, Mapping):
        return _read_long(item, service, volumes, origin, target)
    text = service.rewrite(item) if isinstance(item, Scalar) else ""
    parts = text.split(":")
    if len(parts) == 1:
        service.drop_at(what, f"the anonymous volume at {text} has no name that could keep its data; name it", item)
        return None
    source, place, mode = parts[0], parts[1], parts[2] if len(parts) > 2 else ""
    if "${" in source or "${" in place:
        service.drop_at(what, f"`{text}` is known only with its variables; write it by hand", item)
        return None
    if set(mode.split(",")) - {"", "ro", "rw"}:
        service.drop_at(what, f"of the mode `{mode}` only `ro` and `rw` have a place", item)
    read_only = "ro" in mode.split(",")
    if source.startswith((".", "/", "~")):
        return read_bind(item, service, "volumes", source, place, read_only, origin, target)
    return _volume(item, service, source, place, read_only, volumes)


def _read_long(item: Mapping, service: Reader, volumes: dict[str, str], origin: Path, target: Path) -> Any:
    mount = service.inside("volumes[]", item)
    kind, source, place = mount.text("type") or "volume", mount.text("source") or "", mount.text("target") or ""
    read_only = mount.flag("read_only")
    mount.finish({}, "only its source, its target and `read_only` have a place")
    if kind == "bind":
        return read_bind(item, service, "volumes", source, place, read_only, origin, target)
    if kind != "volume" or not source:
        reason = "the anonymous volume has no name that could keep its data; name it"
        service.drop_at(
            f"{service.where}.volumes", reason if kind == "volume" else f"a mount of the type {kind} has no place", item
        )
        return None
    return _volume(item, service, source, place, read_only, volumes)


def read_bind(
    item: Node, reader: Reader, key: str, source: str, place: str, read_only: bool, origin: Path, target: Path
) -> str | None:
    """A folder of this machine as a stack file writes it; None where it has no place, which is left over at `key`."""
    path = (origin / Path(source).expanduser()).absolute()
    if is_closed(path) or is_closed(path.resolve()):
        reader.drop_at(reader.path(key), f"{source} would hand this machine to the sandbox", item)
        return None
    if not path.exists():
        reader.drop_at(reader.path(key), f"{source} does not exist; Docker would make an empty folder", item)
        return None
    return f"{move_path(source, origin, target)}:{place}{':ro' if read_only else ''}"


def _volume(
    item: Node, service: Reader, source: str, place: str, read_only: bool, volumes: dict[str, str]
) -> str | None:
    if source not in volumes:
        service.drop_at(f"{service.where}.volumes", f"the volume {source} is not declared", item)
        return None
    return f"{volumes[source]}:{place}{':ro' if read_only else ''}"


def read_configs(service: Reader, configs: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    """Configs as uploads; `configs` maps their names to a `source` or a `content`."""
    found = (_read_config(item, service, configs) for item in service.items("configs"))
    return [upload for upload in found if upload]


def _read_config(item: Node, service: Reader, configs: dict[str, dict[str, str]]) -> dict[str, Any] | None:
    name, place, mode = _grant(item, service, "configs")
    if name not in configs:
        service.drop_at(f"{service.where}.configs", f"the config {name} has no content that can be read here", item)
        return None
    return {**configs[name], "target": place or f"/{name}", **({"mode": mode} if mode else {})}


def read_secrets(service: Reader, secrets: dict[str, str]) -> list[Any]:
    """Secrets as files; `secrets` maps names of the Compose file to the draft's."""
    found: list[Any] = []
    for item in service.items("secrets"):
        name, place, mode = _grant(item, service, "secrets")
        if name not in secrets:
            service.drop_at(f"{service.where}.secrets", f"the secret {name} has no source that can be read here", item)
            continue
        if mode:
            service.drop_at(f"{service.where}.secrets", "a secret's file always has the mode 0400", item)
        file = (place or name).removeprefix("/run/secrets/")
        if "/" in file:
            service.drop_at(f"{service.where}.secrets", f"it lies in /run/secrets, not at {place}", item)
            file = file.rpartition("/")[2]
        found.append(secrets[name] if file == secrets[name] else {"secret": secrets[name], "target": file})
    return found


def _grant(item: Node, service: Reader, key: str) -> tuple[str, str, str]:
    """Name, target and mode of a config or secret that a service is given."""
    if not isinstance(item, Mapping):
        return (item.text if isinstance(item, Scalar) else ""), "", ""
    grant = service.inside(f"{key}[]", item)
    name, place, mode = grant.text("source") or "", grant.text("target") or "", grant.text("mode") or ""
    grant.finish({}, "the file belongs to the user of the sandbox")
    return name, place, mode
