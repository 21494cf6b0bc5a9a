"""A whole Compose file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from nexusctl.config.dotenv import read_pairs
from nexusctl.config.node import Mapping, Scalar
from nexusctl.config.problems import Problems
from nexusctl.config.source import compose
from nexusctl.config.text import read_source
from nexusctl.imports.compose.reader import Reader
from nexusctl.imports.compose.service import Surroundings, read_service
from nexusctl.imports.compose.substitution import Substitution
from nexusctl.imports.draft import Draft, Leftovers, move_path
from nexusctl.imports.names import fit_name, fit_names
from nexusctl.imports.secrets import Secrets

_COMPLETED = "service_completed_successfully"


def read_compose(path: Path, target: Path) -> Draft:
    """The draft of a stack file in the folder `target`. Raises `InputError` for a file that is no Compose file.

    Reads the file, `.env` beside it, and whether the files that it names exist.
    """
    problems, leftovers = Problems(), Leftovers()
    root = compose(read_source(path, kind="Compose file"), problems)
    if not isinstance(root.get("services"), Mapping):
        problems.add(root, "this is no Compose file: it has no `services`", "name the file with your services")
    problems.raise_any()
    file = Reader(root, "", Substitution(read_pairs(path.parent / ".env"), leftovers), leftovers)
    return Draft(
        document=_read_file(file, path.absolute().parent, target.absolute(), leftovers), leftovers=leftovers.found
    )


def _read_file(file: Reader, origin: Path, target: Path, leftovers: Leftovers) -> dict[str, Any]:
    project = re.sub(r"[^a-z0-9_-]", "", (file.text("name") or origin.name).lower())
    secrets = Secrets(leftovers)
    services = _section(file, "services")
    around = Surroundings(
        project=project,
        names=fit_names(services),
        networks={**fit_names(_section(file, "networks")), "default": "default"},
        volumes=fit_names(_section(file, "volumes")),
        configs=_configs(file, origin, target),
        granted=_granted(file, secrets, origin, target),
        secrets=secrets,
        origin=origin,
        target=target,
        tasks=_find_tasks(services),
    )
    sandboxes = {around.names[name]: read_service(name, service, around) for name, service in services.items()}
    for name, fitted in around.names.items():
        if name != fitted and (listed := file.below("services")):
            listed.drop(name, f"it is called {fitted} here, and reached by that name")
    document = {
        "name": fit_name(project),
        "volumes": _volumes(file, around),
        "networks": _networks(file, around),
        "secrets": secrets.section,
        "sandboxes": sandboxes,
    }
    if file.get("version") is not None:
        file.drop("version", "Compose itself does not read it any more")
    file.finish({"include": "import what `docker compose config` prints, where it is worked in"}, "it has no place")
    return {key: value for key, value in document.items() if value}


def _section(file: Reader, key: str) -> dict[str, Reader]:
    """Each entry of a section, an empty one where nothing is said about it."""
    below = file.below(key)
    if below is None:
        return {}
    nodes = below.node.values
    for name in nodes:
        below.get(name)
    return {
        name: below.inside(name, node if isinstance(node, Mapping) else Mapping(node.source, node.line, node.column))
        for name, node in nodes.items()
    }


def _find_tasks(services: dict[str, Reader]) -> frozenset[str]:
    found = set()
    for service in services.values():
        wishes = service.below("depends_on")
        for name, wish in wishes.node.values.items() if wishes else ():
            if isinstance(wish, Mapping) and wish.text("condition") == _COMPLETED:
                found.add(name)
    return frozenset(found)


def _volumes(file: Reader, around: Surroundings) -> dict[str, Any]:
    return {around.volumes[name]: _outside(name, volume) for name, volume in _section(file, "volumes").items()}


def _networks(file: Reader, around: Surroundings) -> dict[str, Any]:
    found = {}
    for name, network in _section(file, "networks").items():
        settings = _outside(name, network, internal=network.flag("internal"))
        if name != "default":
            found[around.networks[name]] = settings
        elif settings:
            network.drop_at("networks.default", "the default network is always the stack's own", network.node)
    return found


def _outside(name: str, entry: Reader, *, internal: bool = False) -> dict[str, Any] | None:
    """What is said of a network or volume: where it comes from, if from outside."""
    external = entry.get("external")
    named = entry.text("name")
    if isinstance(external, Mapping):
        named = entry.inside("external", external).text("name") or named
    is_external = isinstance(external, Mapping) or (isinstance(external, Scalar) and external.value is True)
    if named and not is_external:
        entry.drop("name", f"it is made anew and called STACK_{name}; make it `external: {named}` to use that one")
    if entry.text("driver") not in (None, "bridge", "local"):
        entry.drop("driver", "only the engine's own driver is used")
    entry.finish({}, "it has no place")
    if is_external:
        return {"external": named or name}
    return {"internal": True} if internal else None


def _configs(file: Reader, origin: Path, target: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, entry in _section(file, "configs").items():
        path, content = entry.text("file"), entry.text("content")
        if content is not None:
            found[name] = {"content": content}
        elif path and (origin / path).exists():
            found[name] = {"source": move_path(path, origin, target)}
        entry.finish({}, "only a `file` or a `content` can be read here")
    return found


def _granted(file: Reader, secrets: Secrets, origin: Path, target: Path) -> dict[str, str]:
    found = {}
    for name, entry in _section(file, "secrets").items():
        path, variable = entry.text("file"), entry.text("environment")
        if path:
            found[name] = secrets.declare(name, {"file": move_path(path, origin, target)})
        elif variable:
            found[name] = secrets.declare(name, {"env": variable})
        entry.finish({}, "only a `file` or an `environment` can be read here")
    return found
