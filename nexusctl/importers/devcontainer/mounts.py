"""The mounts of a devcontainer, which are written as `docker run --mount` takes them, or as objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from nexusctl.config.document.expression import OPENING
from nexusctl.config.document.node import Mapping as MappingNode
from nexusctl.config.document.node import Node, Scalar
from nexusctl.importers.compose.mounts import explain_lost, read_bind
from nexusctl.importers.compose.reader import Reader
from nexusctl.importers.devcontainer.variables import refer
from nexusctl.importers.draft.names import fit_volume_name

_ALIASES = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
_PLACED = {"source", "target", "type", "readonly"}
_IDENTITY = "${devcontainerId}"


def read_mounts(file: Reader, key: str, project: Path, target: Path, names: Mapping[str, str]) -> Iterator[str]:
    """Each mount under `key` as one of `volumes`; `names` are the folders by their variables.

    What has no place is left over.
    """
    for item in file.items(key):
        words = _words(item)
        if words is None:
            file.drop_at(key, "it is no mount; `source=...,target=...,type=bind` is one", item)
        elif mount := _mount(
            file, key, item, {k: _fill(k, text, names) for k, text in words.items()}, (project, target)
        ):
            yield mount


def _words(item: Node) -> dict[str, str] | None:
    if isinstance(item, MappingNode):
        pairs = [(key, value.text) for key, value in item.values.items() if isinstance(value, Scalar)]
    else:
        parts = [part.partition("=") for part in (item.text if isinstance(item, Scalar) else "").split(",")]
        pairs = [(name.strip(), text) for name, _, text in parts]
    found = {_ALIASES.get(name, name): text for name, text in pairs}
    return found if "target" in found else None


def _fill(key: str, text: str, names: Mapping[str, str]) -> str:
    """A source starts from the project, wherever that lies; the name of a volume is one of the stack's own."""
    if key == "source":
        names = {**names, "localWorkspaceFolder": "."}
        text = text.replace(f"-{_IDENTITY}", "").replace(_IDENTITY, "dev")
    return refer(text, names)


def _mount(file: Reader, key: str, item: Node, words: dict[str, str], folders: tuple[Path, Path]) -> str | None:
    source, place, kind = words.get("source", ""), words["target"], words.get("type", "volume")
    read_only = words.get("readonly", "false").lower() in ("", "1", "true")
    for name in words.keys() - _PLACED:
        file.drop_at(f"{key}.{name}", "only a mount's source, its target and `readonly` have a place", item)
    if "$${" in source + place or (OPENING in source and kind != "bind"):
        file.drop_at(key, "it is known only with its variables; write it as one of `volumes`", item)
    elif kind == "bind":
        return read_bind(item, file, key, source, place, read_only, *folders)
    elif kind == "volume" and not source and not read_only and ":" not in place:
        return place
    elif kind == "volume" and source:
        return f"{fit_volume_name(source)}:{place}{':ro' if read_only else ''}"
    else:
        file.drop_at(key, explain_lost(kind, place), item)
    return None
