"""Files that Compose works together with the one that is read."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from pathlib import Path

from nexusctl.config.document.node import Mapping
from nexusctl.errors import Diagnostic, InputError
from nexusctl.importers.draft.draft import Leftovers

_OVERRIDES = {
    name: tuple(f"{name.partition('.')[0]}.override.{end}" for end in ("yaml", "yml"))
    for name in ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
}


def refuse_parts(root: Mapping, path: Path) -> None:
    """Raise `InputError` for a file that means nothing without others: nobody meant the services that it has alone."""
    services = root.section("services")
    entries = [(name, service) for name, service in services.items() if isinstance(service, Mapping)]
    found = [("include", root)] if "include" in root.values else []
    found += [(f"services.{name}.extends", service) for name, service in entries if "extends" in service.values]
    if found:
        raise InputError(*(_refuse(what, holder, path) for what, holder in found))


def note_others(path: Path, variables: MappingType[str, str], leftovers: Leftovers) -> None:
    """List what `docker compose` in the folder of `path` reads as well; `variables` are those of `.env` there."""
    for name in _OVERRIDES.get(path.name, ()):
        if (path.parent / name).is_file():
            leftovers.add(name, f"Compose lays it over {path.name}, and this import does not; {_merge('')}")
    if variables.get("COMPOSE_FILE"):
        leftovers.add("COMPOSE_FILE in .env", f"this import reads {path.name} alone; {_merge('')}")


def _refuse(what: str, holder: Mapping, path: Path) -> Diagnostic:
    node = holder.keys[what.rpartition(".")[2]]
    return Diagnostic(
        f"{what}: this file is one of several parts",
        node.source.location(node.line, node.column),
        node.source.excerpt(node.line),
        hint=_merge(f" -f {path}"),
    )


def _merge(files: str) -> str:
    command = f"docker compose{files} --profile '*' config > merged.yaml"
    return f"`{command}` makes one of them, with every value as it is; then `nexusctl import compose merged.yaml`"
