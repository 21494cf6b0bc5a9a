"""A stage of a Dockerfile: what its instructions, and those of the stages below it, say about a container."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from nexusctl.importers.dockerfile.build_context import BuildContext
from nexusctl.importers.dockerfile.instructions import Instruction
from nexusctl.importers.dockerfile.words import Unknown, expand

_ONLY_IMAGE = "only the image knows `${}`; write the value by hand"


class Stage:
    """Gathers while its instructions are read.

    `variables` are ENV and ARG together, as instructions see them, `above` the ARGs before the first stage;
    `arguments` are what whoever builds gives. `uploads`, `packages`, `ports`, `volumes` and `health` are in the words
    of a stack file, with sources relative to the context. `made` are folders that a command makes, `npm_folder` is
    where npm installs, `undone` are commands that nothing runs here. `has_command` is True where the stage itself sets
    one. `places` are instructions by what they set, `notes` what has no place, with the reason. `lineage` are the
    numbers of the stages that it is made of.
    """

    def __init__(self, context: BuildContext, arguments: Mapping[str, str]) -> None:
        self.context, self.arguments = context, arguments
        self.image = ""
        self.folder = "/"
        self.working_dir: str | None = None
        self.user: str | None = None
        self.entrypoint: list[str] | str | None = None
        self.command: list[str] | str | None = None
        self.has_command = False
        self.shell = ["/bin/sh", "-c"]
        self.health: Any = None
        self.stop_signal: str | None = None
        self.env: dict[str, str] = {}
        self.variables: dict[str, str | None] = {}
        self.above: Mapping[str, str | None] = {}
        self.ports: list[Any] = []
        self.volumes: list[str] = []
        self.uploads: list[dict[str, Any]] = []
        self.packages: dict[str, Any] = {}
        self.npm_folder = ""
        self.made: dict[str, Instruction] = {}
        self.undone: list[str] = []
        self.places: dict[str, Instruction] = {}
        self.notes: list[tuple[str, str, Instruction]] = []
        self.lineage: set[str] = set()

    def go_on(self) -> Stage:
        """A stage that begins with all that this one has, but for its ARGs, which count in their own stage only."""
        following = copy.copy(self)
        for name in ("env", "ports", "volumes", "undone", "made", "places", "notes", "lineage"):
            setattr(following, name, copy.copy(getattr(self, name)))
        following.uploads, following.packages = copy.deepcopy(self.uploads), copy.deepcopy(self.packages)
        following.has_command = False
        following.variables = dict(self.env)
        return following

    def expand(self, text: str, instruction: Instruction) -> str | None:
        """`text` with its variables; None where one of them is not known here, which is noted."""
        try:
            return expand(text, self.variables)
        except Unknown as error:
            self.note(instruction, _ONLY_IMAGE.format(error))
            return None

    def note(self, instruction: Instruction, reason: str, what: str = "") -> None:
        note = (what or instruction.shown, reason, instruction)
        if note not in self.notes:
            self.notes.append(note)
