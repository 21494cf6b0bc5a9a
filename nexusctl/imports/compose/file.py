"""A whole Compose file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nexusctl.config.dotenv import read_pairs
from nexusctl.config.expression import parse
from nexusctl.config.node import Mapping, Node, Scalar
from nexusctl.config.problems import Problems
from nexusctl.config.source import compose
from nexusctl.config.text import read_source
from nexusctl.errors import Diagnostic, InputError
from nexusctl.imports.compose.project import match_containers
from nexusctl.imports.compose.reader import Reader
from nexusctl.imports.compose.service import Surroundings, read_service
from nexusctl.imports.compose.substitution import Substitution
from nexusctl.imports.draft import Draft, Leftovers, move_path
from nexusctl.imports.names import fit_name, fit_names
from nexusctl.imports.references import settle
from nexusctl.imports.secrets import IN_COMMAND, Secrets
from nexusctl.model.live import Project
from nexusctl.model.names import network_name, volume_name
from nexusctl.model.stack import DEFAULT_NETWORK

_COMPLETED = "service_completed_successfully"
_OUTER = "compose-default"


Find = Callable[[str, str], Project]
"""What there is of a project, for the stack that it becomes."""


def read_compose(path: Path, target: Path, project: str = "", find: Find | None = None, stack: str = "") -> Draft:
    """The draft of a stack file in the folder `target`. Raises `InputError` for a file that is no Compose file.

    Reads the file, `.env` beside it, and whether the files that it names exist. `project` is what the project is
    called where the file does not say it. With `find` the draft is for what is live of the project: it names its
    containers, and networks and volumes of other names than the stack's as external ones. `stack` is what the stack is
    called where its file is there already.
    """
    problems, leftovers = Problems(), Leftovers()
    root = compose(read_source(path, kind="Compose file"), problems)
    if not isinstance(root.get("services"), Mapping):
        problems.add(root, "this is no Compose file: it has no `services`", "name the file with your services")
    problems.raise_any()
    _refuse_parts(root, path)
    variables = read_pairs(path.parent / ".env")
    file = Reader(root, "", Substitution(variables, leftovers), leftovers)
    environment = {**variables, **os.environ}
    origin, own = path.absolute().parent, settle(parse(file.text("name") or ""), environment)
    name = project or environment.get("COMPOSE_PROJECT_NAME") or own or origin.name
    project = re.sub(r"[^a-z0-9_-]", "", name.lower())
    stack = stack or fit_name(project)
    live = _find(project, find, stack) if find else Project()
    return _read_file(file, (project, stack), live, (origin, target.absolute()), leftovers)


def _refuse_parts(root: Mapping, path: Path) -> None:
    """A file that is worked together with others would make services that nobody meant."""
    services = root.section("services")
    entries = [(name, service) for name, service in services.items() if isinstance(service, Mapping)]
    found = [("include", root)] if "include" in root.values else []
    found += [(f"services.{name}.extends", service) for name, service in entries if "extends" in service.values]
    if found:
        merged = f"docker compose -f {path} --profile '*' config > merged.yaml"
        hint = f"`{merged}` works it in, with every value as it is; then `nexusctl import compose merged.yaml`"
        raise InputError(*(_send_to_merged(what, holder, hint) for what, holder in found))


def _send_to_merged(what: str, holder: Mapping, hint: str) -> Diagnostic:
    node = holder.keys[what.rpartition(".")[2]]
    summary = f"{what}: this file is one of several parts"
    return Diagnostic(summary, node.source.location(node.line, node.column), node.source.excerpt(node.line), hint=hint)


def _find(project: str, find: Find, stack: str) -> Project:
    found = find(project, stack)
    if not found.services:
        hint = "`docker compose ls --all` shows the projects; name yours with `--project NAME`"
        raise InputError(Diagnostic(f"no container of the compose project {project} is there", hint=hint))
    return found


def _read_file(
    file: Reader, names: tuple[str, str], live: Project, folders: tuple[Path, Path], leftovers: Leftovers
) -> Draft:
    (project, stack), (origin, target) = names, folders
    secrets = Secrets(leftovers)
    services = _section(file, "services")
    around = Surroundings(
        project=project,
        stack=stack,
        names=fit_names(services),
        networks={**fit_names(_section(file, "networks")), "default": _default_network(stack, live)},
        volumes=fit_names(_section(file, "volumes")),
        configs=_configs(file, origin, target),
        granted=_granted(file, secrets, origin, target),
        secrets=secrets,
        origin=origin,
        target=target,
        tasks=_find_tasks(services),
        live=live,
    )
    sandboxes = {around.names[name]: read_service(name, service, around) for name, service in services.items()}
    for name, service in services.items():
        for key in secrets.find_in_commands(sandboxes[around.names[name]]):
            own = {"health": "healthcheck"}.get(key, key)
            service.drop(own, IN_COMMAND)
    for name, fitted in around.names.items():
        if name != fitted and (listed := file.below("services")):
            listed.drop(name, f"it is called {fitted} here, and reached by that name")
    document = {
        "name": stack,
        "volumes": _volumes(file, around),
        "networks": _networks(file, around),
        "secrets": secrets.section,
        "sandboxes": sandboxes,
    }
    if file.get("version") is not None:
        file.drop("version", "Compose itself does not read it any more")
    file.finish({}, "it has no place")
    return Draft(
        document={key: value for key, value in document.items() if value},
        leftovers=leftovers.found,
        containers=match_containers(live, around.names, sandboxes, leftovers),
    )


def _default_network(stack: str, live: Project) -> str:
    """The stack's own, unless the project's is called otherwise."""
    known = live.networks.get("default")
    return DEFAULT_NETWORK if known in (None, network_name(stack, DEFAULT_NETWORK)) else _OUTER


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
    if not around.live.services and (listed := file.below("volumes")):
        _warn_of_other_volumes(listed, around)
    return {
        fitted: _outside(name, volume, volume_name(around.stack, fitted), around.live.volumes.get(name))
        for name, volume in _section(file, "volumes").items()
        for fitted in (around.volumes[name],)
    }


def _warn_of_other_volumes(listed: Reader, around: Surroundings) -> None:
    """Where a name does not fit, what the project has written is in another volume than the stack's."""
    for name, fitted in around.volumes.items():
        here, there, node = volume_name(around.stack, fitted), f"{around.project}_{name}", listed.node.values[name]
        if here != there and not _is_external(node) and not (isinstance(node, Mapping) and node.get("name")):
            listed.drop(name, f"it is {here} on the engine; what is in {there} is kept with `--adopt`")


def _networks(file: Reader, around: Surroundings) -> dict[str, Any]:
    found: dict[str, Any] = {}
    outer = around.networks[DEFAULT_NETWORK]
    if outer != DEFAULT_NETWORK:
        found[outer] = {"external": around.live.networks[DEFAULT_NETWORK]}
    for name, network in _section(file, "networks").items():
        fitted = around.networks[name]
        own, live = network_name(around.stack, fitted), around.live.networks.get(name)
        settings = _outside(name, network, own, live, internal=network.flag("internal"))
        if name != DEFAULT_NETWORK:
            found[fitted] = settings
        elif settings and outer == DEFAULT_NETWORK:
            network.drop_at("networks.default", "the default network is always the stack's own", network.node)
    return found


def _outside(name: str, entry: Reader, own: str, live: str | None, *, internal: bool = False) -> dict[str, Any] | None:
    """What is said of a network or volume: where it comes from, if from outside.

    `own` is what the stack would call it, `live` what it is called already.
    """
    external = entry.get("external")
    named = entry.text("name")
    if isinstance(external, Mapping):
        named = entry.inside("external", external).text("name") or named
    is_external = _is_external(entry.node)
    if named and not is_external and not live:
        entry.drop("name", f"it is made anew and called STACK_{name}; make it `external: {named}` to use that one")
    if entry.text("driver") not in (None, "bridge", "local"):
        entry.drop("driver", "only the engine's own driver is used")
    entry.finish({}, "it has no place")
    if is_external:
        return {"external": named or name}
    if live and live != own:
        return {"external": live}
    return {"internal": True} if internal else None


def _is_external(node: Node) -> bool:
    external = node.get("external") if isinstance(node, Mapping) else None
    return isinstance(external, Mapping) or (isinstance(external, Scalar) and external.value is True)


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
