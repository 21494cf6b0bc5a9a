"""A Dockerfile as what a sandbox of its image would say: the lines that have a place, and the others listed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from nexusctl.config.document.expression import escape
from nexusctl.config.read.reader import read_source
from nexusctl.config.trust.project_folder import inside
from nexusctl.errors import Diagnostic, InputError
from nexusctl.importers.dockerfile.build_context import BuildContext
from nexusctl.importers.dockerfile.copies import copy_files, uploaded_folders
from nexusctl.importers.dockerfile.installs import OTHERS, run
from nexusctl.importers.dockerfile.instructions import Instruction, read_instructions
from nexusctl.importers.dockerfile.settings import SETTINGS, as_list
from nexusctl.importers.dockerfile.stage import Stage
from nexusctl.importers.draft.draft import Leftovers
from nexusctl.model.trust import Trust
from nexusctl.model.values.frozen import dataclass

_REASONS = {
    "LABEL": "labels are not set on containers; what people should know of a sandbox goes into `metadata`",
    "MAINTAINER": "it says nothing about the container",
    "ONBUILD": "nothing is built here",
}
_NO_PLACE = "it has no place in a stack file"
_JOINED = "it became the beginning of `command`, below the image's own entrypoint if it has one"
_UNBUILT = "nothing is built here: what this stage makes is not there"
_ADDS_USER = re.compile(r"\b(?:useradd|adduser|usermod|groupadd|addgroup)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """What the image of a Dockerfile would be, in the words of a stack file.

    `base` is the image that it begins with. `settings` are keys of a sandbox besides `image` and `command`, with the
    sources of uploads and packages relative to the folder that it is built in. `entrypoint` and `command` are as the
    Dockerfile says them: a list is started as it is, a text by a shell.
    """

    base: str
    settings: Mapping[str, Any]
    entrypoint: Sequence[str] | str | None = None
    command: Sequence[str] | str | None = None
    places: Mapping[str, Instruction] = field(default_factory=dict)

    def sandbox(self) -> dict[str, Any]:
        """All of it as one sandbox, with `${` escaped."""
        command = join_command(self.entrypoint, self.command)
        return {"image": self.base, **self.settings, **({"command": _escape(command)} if command else {})}


def read_dockerfile(
    path: Path,
    leftovers: Leftovers,
    trust: Trust,
    *,
    context: Path | None = None,
    target: str = "",
    arguments: Mapping[str, str] | None = None,
) -> BuiltImage:
    """The image of the last stage, or of the stage `target`. What has no place is left over, line by line.

    `context` is the folder that it is built in, that of the file where it is None; `arguments` are values for its ARGs.
    Raises `InputError` where it cannot be read, or begins no image.
    """
    source = read_source(path, kind="Dockerfile", within=inside(trust), trust=trust)
    instructions = read_instructions(source)
    if not any(instruction.word == "FROM" for instruction in instructions):
        hint = "write `FROM` and an image, or take `--template NAME`"
        raise InputError(Diagnostic(f"`{path}` begins no image: it has no `FROM`", hint=hint))
    files = BuildContext(context or path.parent, path, trust)
    stage = _read_stages(instructions, files, target, arguments or {})
    built = _finish(stage)
    for what, reason, instruction in stage.notes:
        leftovers.add(what, reason, instruction.place)
    return built


def join_command(entrypoint: Sequence[str] | str | None, command: Sequence[str] | str | None) -> list[str] | str | None:
    """What a container is started with: a shell form of the entrypoint takes no command."""
    if isinstance(entrypoint, str):
        return entrypoint
    if not entrypoint:
        return command if isinstance(command, str) else list(command or ()) or None
    return [*entrypoint, *as_list(command if isinstance(command, str) else list(command or ()))]


def _read_stages(
    instructions: Sequence[Instruction], context: BuildContext, target: str, arguments: Mapping[str, str]
) -> Stage:
    """The stage that is built, with the notes of those below it."""
    outside = Stage(context, arguments)
    stages: dict[str, Stage] = {}
    begun: list[tuple[Stage, Instruction, list[str]]] = []
    stage = outside
    for instruction in instructions:
        if instruction.word == "FROM":
            if target and begun and target.lower() in begun[-1][2]:
                break
            stage, names = _begin(outside, instruction, stages, str(len(begun)))
            begun.append((stage, instruction, names))
            stages.update(dict.fromkeys(names, stage))
        elif instruction.word == "RUN":
            run(stage, instruction)
        elif instruction.word in ("COPY", "ADD"):
            copy_files(stage, instruction)
        elif instruction.word in SETTINGS:
            SETTINGS[instruction.word](stage, instruction)
        else:
            stage.note(instruction, _REASONS.get(instruction.word, _NO_PLACE))
    _note_unbuilt(stage, begun, instructions)
    return stage


def _begin(
    outside: Stage, instruction: Instruction, stages: Mapping[str, Stage], number: str
) -> tuple[Stage, list[str]]:
    """A new stage, and what others call it."""
    words = instruction.rest.split()
    name = [words[2].lower()] if len(words) == 3 and words[1].upper() == "AS" else []
    text = words[0] if words else ""
    fresh = Stage(outside.context, outside.arguments)
    # Only an ARG from above the first stage counts in a FROM.
    fresh.variables = dict(outside.variables)
    image = fresh.expand(text, instruction)
    below = stages.get((image or "").lower())
    stage = below.go_on() if below else fresh
    stage.above = outside.variables
    if not below:
        stage.image, stage.variables = image or "scratch", {}
        if image == "scratch":
            stage.note(instruction, "nothing can be put into an empty image here; name one with a shell")
    stage.lineage.add(number)
    return stage, [number, *name]


def _note_unbuilt(
    stage: Stage, begun: Sequence[tuple[Stage, Instruction, list[str]]], instructions: Sequence[Instruction]
) -> None:
    """List the stages that something is copied from."""
    taken = {instruction.flag("from").lower() for instruction in instructions}
    for _, instruction, names in begun:
        if names[0] not in stage.lineage and taken & set(names):
            stage.note(instruction, _UNBUILT)


def _finish(stage: Stage) -> BuiltImage:
    _leave_unmade_user(stage)
    _leave_other_folder(stage)
    if stage.entrypoint:
        stage.note(stage.places["ENTRYPOINT"], _JOINED, "ENTRYPOINT")
    there = uploaded_folders(stage.uploads) | uploaded_folders([{"target": stage.working_dir or "/"}])
    for folder, instruction in stage.made.items():
        if folder not in there | set(stage.volumes):
            stage.note(instruction, OTHERS, f"RUN mkdir {folder}")
    # Docker copies as root, whoever runs the program.
    uploads = [{**upload, "owner": upload.get("owner", "root")} if stage.user else upload for upload in stage.uploads]
    settings: dict[str, Any] = {
        "working_dir": stage.working_dir,
        "user": stage.user,
        "env": {name: _escape(value) for name, value in stage.env.items()},
        "packages": {manager: said for manager, said in stage.packages.items() if said},
        "uploads": uploads,
        "health": _escape(stage.health),
        "ports": stage.ports,
        "volumes": stage.volumes,
        "stop_signal": stage.stop_signal,
    }
    return BuiltImage(
        base=stage.image,
        settings={key: value for key, value in settings.items() if value},
        entrypoint=stage.entrypoint,
        command=stage.command,
        places=stage.places,
    )


def _leave_unmade_user(stage: Stage) -> None:
    """A user that a command makes is not there."""
    commands = [text for text in stage.undone if _ADDS_USER.search(text)]

    def is_made(name: str) -> bool:
        plain = re.escape(name.partition(":")[0])
        return name[:1].isalpha() and any(re.search(rf"(?<![\w-]){plain}(?![\w-])", text) for text in commands)

    if stage.user and is_made(stage.user):
        reason = f"nothing here makes the user {stage.user.partition(':')[0]}; the image's own user is used"
        stage.note(stage.places["USER"], reason)
        stage.user = None
    for upload in stage.uploads:
        if is_made(str(upload.get("owner", ""))):
            del upload["owner"]


def _leave_other_folder(stage: Stage) -> None:
    if "npm" in stage.packages and stage.npm_folder != stage.working_dir:
        place = stage.places["npm"]
        stage.note(place, f"npm installs into the working folder, not into {stage.npm_folder}", "RUN npm install")
        del stage.packages["npm"]


def _escape(value: Any) -> Any:
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, Mapping):
        return {key: _escape(item) for key, item in value.items()}
    return [_escape(item) for item in value] if isinstance(value, list) else value
