"""A stack file with everything worked in, as a document again; and the schemas of our files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nexusctl.config.editor import editor_schema
from nexusctl.config.load import load_whole
from nexusctl.config.resolved import as_json, resolved
from nexusctl.model.inputs import Inputs

if TYPE_CHECKING:
    from nexusctl.config.origin import Origin

__all__ = ["as_json", "editor_schema", "read_document", "read_origins"]


def read_document(inputs: Inputs) -> Any:
    """The stack as one file that means the same wherever it lies. Raises `InputError`."""
    return resolved(load_whole(inputs))


def read_origins(inputs: Inputs) -> tuple[str, Sequence[Origin]]:
    """The stack's name, and for each of its values where it was set. Raises `InputError`."""
    # The walk through all layers is for those who ask.
    from nexusctl.config.origin import find_origins  # noqa: PLC0415

    loaded = load_whole(inputs)
    return loaded.stack.name, find_origins(loaded)
