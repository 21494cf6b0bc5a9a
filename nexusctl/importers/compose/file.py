"""A whole Compose file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from nexusctl.config.document.expression import parse
from nexusctl.config.document.node import Mapping
from nexusctl.config.document.problems import Problems
from nexusctl.config.read.reader import read_source
from nexusctl.config.read.yaml_parser import compose
from nexusctl.config.trust.project_folder import around, inside
from nexusctl.errors import Diagnostic, InputError
from nexusctl.importers.compose.env_files import read_defaults
from nexusctl.importers.compose.includes import note_others, refuse_parts
from nexusctl.importers.compose.live_project import match_containers
from nexusctl.importers.compose.reader import Reader
from nexusctl.importers.compose.sections import (
    find_closed,
    find_outer,
    name_default_network,
    read_configs,
    read_granted,
    read_networks,
    read_section,
    read_volumes,
)
from nexusctl.importers.compose.service import ComposeContext, read_service
from nexusctl.importers.compose.substitution import Substitution
from nexusctl.importers.draft.draft import Draft, Leftovers
from nexusctl.importers.draft.names import fit_name, fit_names
from nexusctl.importers.draft.nested_binds import settle_nested
from nexusctl.importers.draft.references import settle
from nexusctl.importers.draft.secret_references import IN_TEXT, Secrets
from nexusctl.model.live import Project
from nexusctl.model.trust import OURS, Trust

_COMPLETED = "service_completed_successfully"


Find = Callable[[str, str], Project]
"""What there is of a project, for the stack that it becomes."""


def read_compose(
    path: Path,
    target: Path,
    project: str = "",
    find: Find | None = None,
    stack: str = "",
    trust: Trust = OURS,
) -> Draft:
    """The draft of a stack file in the folder `target`. Raises `InputError` for a file that is no Compose file.

    Reads the file, `.env` beside it, and whether the files that it names exist. `project` is what the project is
    called where the file does not say it. With `find` the draft is for what is live of the project: it names its
    containers, and networks and volumes of other names than the stack's as external ones. `stack` is what the stack is
    called where its file is there already. `trust` says what the file may reach.
    """
    problems, leftovers = Problems(), Leftovers()
    trust = around(trust, path)
    root = compose(read_source(path, kind="Compose file", within=inside(trust), trust=trust), problems)
    if not isinstance(root.get("services"), Mapping):
        problems.add(root, "this is no Compose file: it has no `services`", "name the file with your services")
    problems.raise_any()
    refuse_parts(root, path)
    variables, referring = read_defaults(path.parent / ".env", trust)
    note_others(path, variables, leftovers)
    file = Reader(root, "", Substitution(variables, leftovers, referring), leftovers)
    environment = {**variables, **trust.environment(os.environ)}
    origin, own = path.absolute().parent, settle(parse(file.text("name") or ""), environment)
    name = project or environment.get("COMPOSE_PROJECT_NAME") or own or origin.name
    project = re.sub(r"[^a-z0-9_-]", "", name.lower())
    stack = stack or fit_name(project)
    live = _find(project, find, stack) if find else Project()
    return _read_file(file, (project, stack), live, (origin, target.absolute()), leftovers)


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
    services = read_section(file, "services")
    around = ComposeContext(
        project=project,
        stack=stack,
        names=fit_names(services),
        networks={**fit_names(read_section(file, "networks")), "default": name_default_network(stack, live)},
        volumes=fit_names(read_section(file, "volumes")),
        configs=read_configs(file, secrets, origin, target),
        granted=read_granted(file, secrets, origin, target),
        secrets=secrets,
        leftovers=leftovers,
        origin=origin,
        target=target,
        tasks=_find_tasks(services),
        live=live,
    )
    around = replace(around, outer=find_outer(file, around), closed=find_closed(file, around))
    sandboxes = {around.names[name]: read_service(name, service, around) for name, service in services.items()}
    _note_services(file, services, sandboxes, around)
    settle_nested(sandboxes, target, leftovers, keep=bool(live.services))
    document = {
        "name": stack,
        "volumes": read_volumes(file, around),
        "networks": read_networks(file, around),
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


def _note_services(
    file: Reader, services: dict[str, Reader], sandboxes: dict[str, dict[str, Any]], around: ComposeContext
) -> None:
    """List what has a place, and is not what somebody would think."""
    listed = file.below("services")
    for name, service in services.items():
        fitted = around.names[name]
        for key in around.secrets.find_in_commands(sandboxes[fitted]):
            service.drop({"health": "healthcheck"}.get(key, key), IN_TEXT)
        if listed and name != fitted:
            listed.drop(name, f"it is called {fitted} here, and reached by that name")


def _find_tasks(services: dict[str, Reader]) -> frozenset[str]:
    found = set()
    for service in services.values():
        wishes = service.node.get("depends_on")
        for name, wish in wishes.values.items() if isinstance(wishes, Mapping) else ():
            if isinstance(wish, Mapping) and wish.text("condition") == _COMPLETED:
                found.add(name)
    return frozenset(found)
