"""A whole Compose file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Sequence
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
from nexusctl.importers.compose.context import ComposeContext
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
from nexusctl.importers.compose.service import read_service
from nexusctl.importers.compose.service_networks import BRIDGE
from nexusctl.importers.compose.texts.defaults import note_unset, read_defaults
from nexusctl.importers.compose.texts.substitution import Substitution
from nexusctl.importers.draft.draft import Draft, File, Leftovers
from nexusctl.importers.draft.names import fit_name, fit_names, fit_volume_name
from nexusctl.importers.draft.nested_binds import settle_nested
from nexusctl.importers.draft.references import settle
from nexusctl.importers.draft.secret_references import IN_TEXT, Secrets
from nexusctl.importers.draft.yaml_writer import write_text
from nexusctl.model.observed.inspected_container import Project
from nexusctl.model.stack import DEFAULT_NETWORK
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
    profiles: Collection[str] = (),
    env_files: Sequence[Path] = (),
) -> Draft:
    """The draft of a stack file in the folder `target`. Raises `InputError` for a file that is no Compose file.

    Reads the file, `.env` beside it, and whether the files that it names exist. `project` is what the project is
    called where the file does not say it. With `find` the draft is for what is live of the project: it names its
    containers, and networks and volumes of other names than the stack's as external ones. `stack` is what the stack is
    called where its file is there already. `trust` says what the file may reach. What `profiles` turn on is there
    always; without any, those count that COMPOSE_PROFILES names. `env_files` are read instead of `.env`.
    """
    problems, leftovers = Problems(), Leftovers()
    trust = around(trust, path)
    root = compose(read_source(path, kind="Compose file", within=inside(trust), trust=trust), problems)
    if not isinstance(root.get("services"), Mapping):
        problems.add(root, "this is no Compose file: it has no `services`", "name the file with your services")
    problems.raise_any()
    refuse_parts(root, path)
    outer = trust.environment(os.environ)
    defaults, unset = read_defaults(path.parent, env_files, outer, trust)
    variables = {name: default.text for name, default in defaults.items()}
    note_others(path, variables, leftovers)
    file = Reader(root, "", Substitution(defaults, leftovers), leftovers)
    environment = {**variables, **outer}
    origin, own = path.absolute().parent, settle(parse(file.text("name") or ""), environment)
    name = project or environment.get("COMPOSE_PROJECT_NAME") or own or origin.name
    project = re.sub(r"[^a-z0-9_-]", "", name.lower())
    stack = stack or fit_name(project)
    live = _find(project, find, stack) if find else Project()
    asked = frozenset(profiles) or frozenset(filter(None, environment.get("COMPOSE_PROFILES", "").split(",")))
    draft = _read_file(file, (project, stack), live, (origin, target.absolute()), leftovers, asked)
    # Without these nothing is applied.
    demanded = {source.get("env") for source in draft.document.get("secrets", {}).values()}
    note_unset(root, unset, {*environment, *filter(None, demanded)}, leftovers, trust)
    return replace(draft, leftovers=leftovers.found)


def _find(project: str, find: Find, stack: str) -> Project:
    found = find(project, stack)
    if not found.services:
        hint = "`docker compose ls --all` shows the projects; name yours with `--project NAME`"
        raise InputError(Diagnostic(f"no container of the compose project {project} is there", hint=hint))
    return found


def _read_file(
    file: Reader,
    names: tuple[str, str],
    live: Project,
    folders: tuple[Path, Path],
    leftovers: Leftovers,
    profiles: frozenset[str],
) -> Draft:
    (project, stack), (origin, target) = names, folders
    secrets = Secrets(leftovers)
    services = read_section(file, "services")
    around = ComposeContext(
        project=project,
        stack=stack,
        names=fit_names(services),
        networks=_name_networks(read_section(file, "networks"), stack, live),
        volumes=fit_names(read_section(file, "volumes"), fit_volume_name),
        configs=read_configs(file, secrets, origin, target),
        granted=read_granted(file, secrets, origin, target),
        secrets=secrets,
        leftovers=leftovers,
        origin=origin,
        target=target,
        tasks=_find_tasks(services),
        live=live,
        optional={name: frozenset(texts) for name, service in services.items() if (texts := service.texts("profiles"))},
        profiles=profiles,
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
        files={
            made.file.removeprefix("./"): File(data=write_text(made.document).encode())
            for made in around.templates.values()
        },
        containers=match_containers(live, around.names, sandboxes, leftovers),
    )


def _name_networks(networks: Collection[str], stack: str, live: Project) -> dict[str, str]:
    fitted = fit_names([*networks, BRIDGE])
    bridge = next(name for name in ("bridge", "engine-bridge", fitted[BRIDGE]) if name not in fitted.values())
    return {**fitted, BRIDGE: bridge, DEFAULT_NETWORK: name_default_network(stack, live)}


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
