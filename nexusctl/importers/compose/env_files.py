"""Files of variables that a service, or the whole project, has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nexusctl.config.document.node import Mapping, Scalar
from nexusctl.config.read.dotenv import read_variables
from nexusctl.config.trust.project_folder import why_outside
from nexusctl.importers.compose.reader import Reader
from nexusctl.importers.draft.draft import Leftovers, move_path
from nexusctl.importers.draft.references import is_elsewhere, settle_here
from nexusctl.model.trust import Trust


def read_env_files(service: Reader, origin: Path, target: Path, leftovers: Leftovers) -> Iterator[str]:
    """The paths of those of a service that are there; the others are left over."""
    for item in service.items("env_file"):
        path, required = "", True
        if isinstance(item, Mapping):
            entry = service.inside("env_file[]", item)
            required = entry.get("required") is None or entry.flag("required")
            path = entry.text("path") or ""
            entry.finish({}, "files of variables have one format here")
        elif isinstance(item, Scalar):
            path = service.rewrite(item)
        trust = item.source.trust
        settled = settle_here(path, trust)
        if trust.untrusted and (why := why_outside(origin / settled, trust.project)):
            service.drop_at(f"{service.where}.env_file", f"{path} {why}; {trust.hint}", item)
        elif path != settled and is_elsewhere(path, origin, target, trust):
            service.drop_at(f"{service.where}.env_file", f"`{path}` is known only with its variables", item)
        elif (origin / settled).is_file():
            note_variables(origin / settled, settled, leftovers, trust)
            yield path if path != settled else move_path(path, origin, target)
        else:
            reason = "does not exist" if required else "does not exist, and may not"
            service.drop_at(f"{service.where}.env_file", f"{path} {reason}; add it when it is there", item)


def note_variables(path: Path, display: str, leftovers: Leftovers, trust: Trust) -> None:
    """List the values in a file of variables into which Compose puts others."""
    for variable in read_variables(path, display, trust)[0]:
        if variable.template:
            reason = "Compose puts the variable in, and here the text stays as it is; write its value out"
            leftovers.add(f"{variable.key.text} in {display}", reason, variable.key)
