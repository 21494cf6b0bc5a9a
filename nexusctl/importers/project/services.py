"""What a Compose file beside a project says: of the service that is built from it, and of those around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nexusctl.config.document.node import Mapping, Scalar
from nexusctl.config.document.problems import Problems
from nexusctl.config.read.reader import read_source
from nexusctl.config.read.yaml_parser import compose
from nexusctl.config.trust.project_folder import inside
from nexusctl.importers.draft.draft import Draft
from nexusctl.importers.draft.names import fit_names
from nexusctl.importers.project.folder import ProjectFolder

_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_OUR_OWN = {"image", "template", "packages", "uploads", "volumes"}
"""What the files of the project itself say better: that they are uploaded, and not mounted, too."""


def find_compose_file(folder: ProjectFolder) -> str:
    return folder.first(*_FILES)


def read_services(folder: ProjectFolder, file: str, target: Path) -> tuple[str, Draft] | None:
    """The name of the sandbox that is built from the project, and the draft of the whole Compose file.

    None where no service is, or more than one.
    """
    from nexusctl.importers.compose.file import read_compose  # noqa: PLC0415 - deferred: start-up time

    source = read_source(folder.path / file, kind="Compose file", within=inside(folder.trust), trust=folder.trust)
    services = compose(source, Problems()).section("services")
    own = [name for name, service in services.items() if _builds(service)]
    if len(own) != 1:
        what = f"{len(own)} of its services are" if own else "none of its services is"
        folder.leftovers.add(file, f"{what} built from this folder; `nexusctl import compose {file}` takes them all")
        return None
    draft = read_compose(folder.path / file, target, trust=folder.trust)
    for one in draft.leftovers:
        if not one.what.startswith(f"services.{own[0]}.build"):
            folder.leftovers.repeat(one)
    return fit_names(services)[own[0]], draft


def _builds(service: Any) -> bool:
    """Whether it is built from the folder that the Compose file lies in."""
    build = service.get("build") if isinstance(service, Mapping) else None
    context = build.get("context") if isinstance(build, Mapping) else build
    return (isinstance(build, Mapping) and context is None) or (
        isinstance(context, Scalar) and context.text.strip().rstrip("/") in (".", "")
    )


def lay_over(folder: ProjectFolder, file: str, sandbox: dict[str, Any], said: dict[str, Any]) -> None:
    """Put into `sandbox` what the service says of how it runs."""
    for key, value in said.items():
        if key in _OUR_OWN:
            continue
        sandbox[key] = {**sandbox.get(key, {}), **value} if key == "env" and isinstance(value, dict) else value
        folder.say("port" if key == "ports" else key, file)
