"""Configs and secrets that a service is given.

Compose mounts what has a file, and writes what has none into the container. Where that is live, the mounts are taken
as they are, and what was written is left until there is a new container.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nexusctl.config.document.node import Mapping as MappingNode
from nexusctl.config.document.node import Node, Scalar
from nexusctl.importers.compose.mounts import read_bind
from nexusctl.importers.compose.reader import Reader

_FOLDER = "/run/secrets/"
_MODE = "0444"
"""Of a file that Compose writes itself, where nothing is said."""
_MOUNTED = "it stays the mount of its file; under `secrets` a new container has it in memory, for its user only"
_WRITTEN = "it is left in the container as Compose put it there; a new one gets what the secret is then"


class Grants:
    """Gathers for one service. `configs` and `secrets` are what the file has of them, in the words of a stack file.

    `live` says whether there is a container, `target` is the folder of the stack file. `uploads`, `secrets` and
    `volumes` are for the sandbox, `ignored` what it has to leave as it is.
    """

    def __init__(
        self,
        service: Reader,
        configs: Mapping[str, Mapping[str, str]],
        secrets: Mapping[str, Mapping[str, Any]],
        names: Mapping[str, str],
        *,
        target: Path,
        live: bool,
    ) -> None:
        self._service, self._target, self._live = service, target, live
        self._secrets, self._names = secrets, names
        self._files: dict[str, str] = {}
        self.uploads: list[dict[str, Any]] = []
        self.secrets: list[Any] = []
        self.volumes: list[str] = []
        self.ignored: set[str] = set()
        for item in service.items("configs"):
            self._add_config(item, configs)
        granted = service.items("secrets")
        # Secrets of a sandbox have the folder for themselves.
        self._written = any(not self._find_file(name) for item in granted if (name := _name(item)) in names)
        for item in granted:
            self._add_secret(item)

    def _add_config(self, item: Node, configs: Mapping[str, Mapping[str, str]]) -> None:
        name, place, mode, owner = _grant(item, self._service, "configs")
        place = place or f"/{name}"
        if name not in configs:
            self._drop("configs", f"the config {name} has no content that can be read here", item)
        elif self._live and "source" in configs[name]:
            self._mount(item, "configs", configs[name]["source"], place)
        else:
            written = "content" in configs[name]
            mode = mode or (_MODE if self._live or written else "")
            owner = owner or ("root" if written and not self._live else "")
            said = {"target": place, "mode": mode, "owner": owner}
            self.uploads.append({**configs[name], **{key: value for key, value in said.items() if value}})

    def _add_secret(self, item: Node) -> None:
        name, place, mode, _ = _grant(item, self._service, "secrets")
        if name not in self._names:
            self._drop("secrets", f"the secret {name} has no source that can be read here", item)
            return
        secret, source = self._names[name], self._find_file(name)
        path = place if place.startswith("/") else _FOLDER + (place or name)
        if self._live and source and not (self._written and path.startswith(_FOLDER)):
            if self._mount(item, "secrets", source, path):
                self._drop("secrets", _MOUNTED, item)
            return
        if self._live:
            self._drop("secrets", _WRITTEN, item)
            self.ignored |= {"secrets", "volumes"} if source else {"secrets"}
        elif mode:
            self._drop("secrets", "a secret's file always has the mode 0400", item)
        self._add_file(item, secret, path)

    def _find_file(self, name: str) -> str:
        return str(self._secrets[self._names[name]].get("file", ""))

    def _add_file(self, item: Node, secret: str, path: str) -> None:
        file = path.removeprefix(_FOLDER)
        if "/" in file:
            self._drop("secrets", f"it lies in /run/secrets, not at {path}", item)
            file = file.rpartition("/")[2]
        known = self._files.setdefault(file, secret)
        if known != secret:
            self._drop("secrets", f"{_FOLDER}{file} is {known} already; give it another `target`", item)
        entry = secret if file == secret else {"secret": secret, "target": file}
        if known == secret and entry not in self.secrets:
            self.secrets.append(entry)

    def _mount(self, item: Node, key: str, source: str, place: str) -> bool:
        """Whether the file has a place as a mount."""
        mount = read_bind(item, self._service, key, source, place, True, self._target, self._target)
        self.volumes += [mount] if mount else []
        return mount is not None

    def _drop(self, key: str, reason: str, item: Node) -> None:
        self._service.drop_at(f"{self._service.where}.{key}", reason, item)


def _name(item: Node) -> str:
    if isinstance(item, MappingNode):
        return item.text("source") or ""
    return item.text if isinstance(item, Scalar) else ""


def _grant(item: Node, service: Reader, key: str) -> tuple[str, str, str, str]:
    """Name, target, mode and owner of a config or secret that a service is given."""
    if not isinstance(item, MappingNode):
        return _name(item), "", "", ""
    grant = service.inside(f"{key}[]", item)
    name, place, mode, owner = grant.text("source") or "", grant.text("target") or "", _mode(grant), ""
    if key == "configs":
        said = (grant.text("uid"), grant.text("gid"))
        owner = ":".join(number or "0" for number in said) if any(said) else ""
    grant.finish({}, "the file belongs to the user of the sandbox")
    return name, place, mode, owner


def _mode(grant: Reader) -> str:
    """In octal. Without quotes it is a number of YAML, which begins with 0 where it is octal."""
    node, text = grant.get("mode"), grant.text("mode") or ""
    if isinstance(node, Scalar) and node.bare and text.isdecimal() and (not text.startswith("0") or text == "0"):
        return f"{int(text):04o}"
    return f"0{text[2:]}" if text.startswith("0o") else text
