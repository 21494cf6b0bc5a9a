"""A stack file that a program edits: what its text says, what another text would mean in its place, and the edits."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from nexusctl.config.document.node import Mapping, Node, plain
from nexusctl.config.edit.add_pairs import add_pairs
from nexusctl.config.edit.edit import append_item, remove, set_value
from nexusctl.config.edit.parsed import parse
from nexusctl.config.export.atomic_write import alone_with, file_beside, replace_file
from nexusctl.config.load import load, load_template, template_names
from nexusctl.config.policy import load_policy
from nexusctl.config.schema.files import find_schema
from nexusctl.config.templates.builtin import BESIDE
from nexusctl.config.templates.template import read_parameters
from nexusctl.errors import Diagnostic, InputError, Location, Note
from nexusctl.importers.draft.names import fit_name
from nexusctl.model.load_request import Inputs
from nexusctl.model.stack import Stack
from nexusctl.model.values.secret_detection import looks_secret

__all__ = [
    "BESIDE", "add_pairs", "alone_with", "append_item", "find_lines",
    "fit_name", "load_policy", "load_template", "load_text", "looks_secret",
    "own_templates",
    "read_parameters", "read_schema", "read_tool", "read_values", "remove", "replace_file", "set_value",
    "template_names",
]  # fmt: skip


_BOM = "\ufeff"


def load_text(text: str, path: Path) -> Stack:
    """The stack that `text` would be in the place of the file `path`. Raises `InputError` as a load of that does."""
    with file_beside(path, text) as new:
        try:
            return load(Inputs(files=(new,)))
        except InputError as error:
            raise InputError(*(_rename(problem, str(new), str(path)) for problem in error.diagnostics)) from None


@lru_cache(maxsize=4)
def read_values(text: str, path: Path) -> dict[str, Any]:
    """What the text of a stack file says, references as they are written; nobody may change it.

    Raises `InputError` where it is no YAML.
    """
    tree = parse(text.removeprefix(_BOM), str(path)).tree
    values = plain(tree) if tree else {}
    return values if isinstance(values, dict) else {}


def find_lines(text: str, place: tuple[str, ...], path: Path) -> tuple[int, int] | None:
    """The first and the last line of the entry at `place` in the text of a stack file, None where there is none.

    Raises `InputError` where it is no YAML.
    """
    here: Node | None = parse(text.removeprefix(_BOM), str(path)).tree
    first = 0
    for name in place:
        if not isinstance(here, Mapping) or name not in here.values:
            return None
        first, here = here.keys[name].line, here.values[name]
    return (first, max(first, here.end)) if here else None


def read_schema(name: str) -> dict[str, Any]:
    """The JSON schema in the file `name`."""
    found: dict[str, Any] = json.loads(find_schema(name).read_bytes())
    return found


def read_tool(name: str) -> dict[str, Any]:
    """What the file `name`.json says of a tool of the agents' door, or, as `common`, of the parts that they share."""
    return read_schema(f"mcp/{name}.json")


def own_templates() -> tuple[str, ...]:
    """The names of the templates beside the stack file in the folder that this runs in."""
    return tuple(sorted(path.stem for path in Path(BESIDE).glob("*.yaml")))


def _rename(problem: Diagnostic, before: str, after: str) -> Diagnostic:
    """`problem` of the file `before`, told as one of the file `after`."""

    def moved(place: Location | None) -> Location | None:
        return replace(place, file=after) if place and place.file == before else place

    notes = tuple(Note(note.text, moved(note.location), note.excerpt) for note in problem.notes)
    return replace(problem, location=moved(problem.location), notes=notes)
