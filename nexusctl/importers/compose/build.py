"""What a service builds: a template beside the stack file, made of those lines of its Dockerfile that have a place."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nexusctl.config.document.node import Mapping as MappingNode
from nexusctl.config.document.node import Node
from nexusctl.config.trust.project_folder import why_outside
from nexusctl.errors import InputError
from nexusctl.importers.compose.context import ComposeContext
from nexusctl.importers.compose.reader import Reader
from nexusctl.importers.dockerfile.dockerfile import BuiltImage, join_command, read_dockerfile
from nexusctl.importers.draft.draft import move_path
from nexusctl.importers.draft.references import settle_here
from nexusctl.model.values.frozen import dataclass
from nexusctl.model.values.secret_detection import looks_secret

_INLINE = "write it into a file, and name that as `dockerfile`"
_ELSEWHERE = "only a folder of this machine can be read; `docker compose build` makes {}, or use a template"
_BECAME = "it became {}, with those lines of {} that have a place; the image itself is made by `docker compose build`"
_OWN_FILES = ("/nexus.yaml", "/nexus.lock", "/*.template.yaml")
"""What an import puts into a folder that is uploaded itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildTemplate:
    """The template in `file`, a path in the folder of the stack file; `built` is what it was made of."""

    file: str
    document: Mapping[str, Any]
    built: BuiltImage
    context: Path


def read_build(name: str, service: Reader, around: ComposeContext) -> BuildTemplate | None:
    """The template for what the service `name` builds; None where it builds nothing, or nothing that can be read.

    What is live stays as it was built.
    """
    node = service.get("build")
    if node is None:
        return None
    image = service.text("image") or f"{around.project}-{name}"
    if around.live.services:
        service.drop("build", f"its container stays as it is; `docker compose build` makes {image}, or use a template")
        return None
    build = service.inside("build", node) if isinstance(node, MappingNode) else None
    folder = (build.text("context") if build else service.text("build")) or "."
    trust = node.source.trust
    context = Path(settle_here(folder, trust)).expanduser()
    context = context if context.is_absolute() else around.origin / context
    if build and build.get("dockerfile_inline") is not None:
        build.drop("dockerfile_inline", _INLINE)
        return None
    file = context / settle_here((build.text("dockerfile") if build else None) or "Dockerfile", trust)
    outside = trust.untrusted and (why_outside(context, trust.project) or why_outside(file, trust.project))
    if outside or not file.is_file():
        service.drop("build", _ELSEWHERE.format(image) if "://" in folder else _tell_missing(file, image))
        return None
    target, arguments = (build.text("target") or "") if build else "", _read_arguments(build) if build else {}
    if build:
        build.finish({}, "nothing is built here")
    key = f"{file.resolve()}\n{context.resolve()}\n{target}\n{sorted(arguments.items())}"
    if key not in around.templates:
        try:
            built = read_dockerfile(
                Path(_show(file)), around.leftovers, trust, context=context, target=target, arguments=arguments
            )
        except InputError as error:
            service.drop("build", error.diagnostics[0].summary)
            return None
        if built.base in ("", "scratch"):
            service.drop("build", f"it begins with no image; `docker compose build` makes {image}")
            return None
        around.templates[key] = _make_template(name, file, context, built, around)
    made: BuildTemplate = around.templates[key]
    service.drop("build", _BECAME.format(made.file, _show(file)))
    return made


def _tell_missing(file: Path, image: str) -> str:
    return f"there is no {_show(file)} to read; `docker compose build` makes {image}, or use a template"


def _show(file: Path) -> str:
    """As somebody writes it who is in the folder above it."""
    shown = os.path.relpath(file)
    return str(file) if shown.startswith("..") else shown


def _read_arguments(build: Reader) -> dict[str, str]:
    found = {}
    for name, value, place in build.pairs("args"):
        if value is None:
            build.drop_at(f"{build.where}.args.{name}", "write its value, which is the caller's variable", place)
        else:
            found[name] = settle_here(value, place.source.trust)
            if found[name] != value:
                build.drop_at(f"{build.where}.args.{name}", "its value was put in as it is now", place)
    return found


def _make_template(name: str, file: Path, context: Path, built: BuiltImage, around: ComposeContext) -> BuildTemplate:
    settings = move_sources(built.settings, context, around)
    if env := {key: value for key, value in settings.get("env", {}).items() if not _is_secret(key, value)}:
        settings["env"] = env
    else:
        settings.pop("env", None)
    command = join_command(built.entrypoint, built.command)
    if command:
        settings["command"] = escape(command)
    return BuildTemplate(
        file=f"./{around.names[name]}.template.yaml",
        document={
            "name": around.names[name],
            "description": f"What {file.name} says of {name}",
            "image": built.base,
            **({"defaults": settings} if settings else {}),
        },
        built=built,
        context=context,
    )


def _is_secret(name: str, value: str) -> bool:
    return looks_secret(name, value.replace("$${", "${"))


def move_sources(settings: Mapping[str, Any], context: Path, around: ComposeContext) -> dict[str, Any]:
    """`settings` with paths from the folder of the stack file."""
    moved = dict(settings)
    if uploads := settings.get("uploads"):
        moved["uploads"] = [_move_upload(upload, context, around) for upload in uploads]
    if packages := settings.get("packages"):
        moved["packages"] = {
            manager: {**said, "from": move_path(said["from"], context, around.target)}
            if isinstance(said, Mapping)
            else said
            for manager, said in packages.items()
        }
    return moved


def _move_upload(upload: Mapping[str, Any], context: Path, around: ComposeContext) -> dict[str, Any]:
    # Docker copies as root, whoever runs the program.
    upload = {**upload, "owner": upload.get("owner", "root")}
    if "source" not in upload:
        return upload
    source = move_path(str(upload["source"]), context, around.target)
    moved = {**upload, "source": "." if source in (".", "./.", "./") else source}
    if moved["source"] == ".":
        moved["ignore"] = [*upload.get("ignore", ()), *_OWN_FILES]
    return moved


def lay_over(sandbox: dict[str, Any], service: Reader, made: BuildTemplate, around: ComposeContext, owner: str) -> None:
    """Make `sandbox`, which has what its service says, what that and its template are together.

    Lists of a sandbox stand for those of its template, and a command of a service goes to the image's entrypoint.
    """
    built, task = made.built, sandbox.get("kind") == "task"
    if built.entrypoint and sandbox["command"] and service.get("entrypoint") is None:
        # The shell form of an entrypoint takes no command.
        own = None if isinstance(built.entrypoint, str) else [*escape(built.entrypoint), *sandbox["command"]]
        sandbox["command"] = own
    brought = move_sources(built.settings, made.context, around).get("uploads", [])
    seen = _leave_hidden(brought, sandbox["volumes"])
    if brought and (sandbox["uploads"] or seen != brought):
        sandbox["uploads"] = [*seen, *sandbox["uploads"]] or NONE
    if sandbox["volumes"]:
        sandbox["volumes"] += [path for path in built.settings.get("volumes", ()) if not _is_mounted(path, sandbox)]
    for name, value in built.settings.get("env", {}).items():
        if _is_secret(name, value) and name not in sandbox["env"]:
            place: Node = service.node.get("build") or service.node
            sandbox["env"][name] = around.secrets.protect(owner, name, value.replace("$${", "${"), place)
    if built.settings.get("ports") and not sandbox["ports"] and not task:
        # What an image exposes is published by nobody.
        sandbox["ports"] = NONE


NONE: tuple[Any, ...] = ()
"""Stands for an empty list that is written."""


def _leave_hidden(uploads: Sequence[dict[str, Any]], mounts: Sequence[Any]) -> list[dict[str, Any]]:
    """`uploads` without what a mounted folder of this machine hides in the image: they would be written into it."""
    seen = list(uploads)
    for target in filter(None, map(_read_bind, mounts)):
        seen = [kept for upload in seen if (kept := _leave_below(upload, target))]
    return seen


def _read_bind(mount: Any) -> str:
    """Where a folder or file of this machine is mounted; empty for a volume."""
    if isinstance(mount, Mapping):
        return str(mount["target"]) if "bind" in mount else ""
    source, _, rest = str(mount).partition(":")
    return rest.partition(":")[0] if rest and source[:1] in {"/", ".", "~", "$"} else ""


def _leave_below(upload: dict[str, Any], target: str) -> dict[str, Any] | None:
    path, folder = upload["target"].rstrip("/"), target.rstrip("/")
    if f"{path}/".startswith(f"{folder}/"):
        return None
    if folder.startswith(f"{path}/"):
        return {**upload, "ignore": [*upload.get("ignore", ()), folder[len(path) :]]}
    return upload


def _is_mounted(path: str, sandbox: Mapping[str, Any]) -> bool:
    return any(f":{path}" in f"{mount}:" or mount == path for mount in map(str, sandbox["volumes"]))


def escape(command: Sequence[str] | str) -> Any:
    if isinstance(command, str):
        return command.replace("${", "$${")
    return [word.replace("${", "$${") for word in command]
