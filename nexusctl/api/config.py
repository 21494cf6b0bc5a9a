"""A stack file with everything worked in, as a document again; the schemas of our files; the templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nexusctl.config.export.standalone import as_json, resolved
from nexusctl.config.load import load_template, load_whole, template_names
from nexusctl.config.schema.editor_schema import editor_schema
from nexusctl.config.templates.builtin import BESIDE
from nexusctl.config.templates.template import read_parameters
from nexusctl.model.load_request import Inputs
from nexusctl.model.template import Template, TemplateCost

if TYPE_CHECKING:
    from nexusctl.config.export.origins import Origin

__all__ = [
    "BESIDE", "as_json", "editor_schema", "find_cost", "load_template", "read_document", "read_origins",
    "read_parameters", "template_names",
]  # fmt: skip


def read_document(inputs: Inputs) -> Any:
    """The stack as one file that means the same wherever it lies. Raises `InputError`."""
    return resolved(load_whole(inputs))


def read_origins(inputs: Inputs) -> tuple[str, Sequence[Origin]]:
    """The stack's name, and for each of its values where it was set. Raises `InputError`."""
    # The walk through all layers is for those who ask.
    from nexusctl.config.export.origins import find_origins  # noqa: PLC0415 - deferred: start-up time

    loaded = load_whole(inputs)
    return loaded.stack.name, find_origins(loaded)


def find_cost(template: Template) -> TemplateCost | None:
    """What it takes to use a template; None where nobody has measured it as it is."""
    # Only lists and pages say it.
    from nexusctl.config.templates.measured import find_cost as find  # noqa: PLC0415 - deferred: start-up time

    return find(template)
