"""Doors in: other people's files and running containers become a stack file."""

from __future__ import annotations

import os
from pathlib import Path

from nexusctl.config.load import load
from nexusctl.errors import Diagnostic, InputError
from nexusctl.imports.compose.file import read_compose
from nexusctl.imports.devcontainer import read_devcontainer
from nexusctl.imports.draft import Draft
from nexusctl.imports.text import insert, write_text
from nexusctl.model.inputs import Inputs

__all__ = ["read_compose", "read_devcontainer", "render", "write"]


def render(draft: Draft, into: Path) -> str:
    """The text that `into` is to have: the draft alone where there is no such file, else the file with it added.

    Raises `InputError` where the file has something of the draft already.
    """
    if not into.exists():
        return write_text(draft.document)
    return insert(into.read_text(encoding="utf-8"), draft.document)


def write(draft: Draft, into: Path) -> None:
    """Write the draft to the stack file `into`, and its files beside it, when all of it is valid.

    Raises `InputError` where it is not, where a file of the draft is there already, or where it cannot be written;
    then everything is as it was.
    """
    text = render(draft, into)
    beside = into.with_name(f".{into.name}.{os.urandom(4).hex()}")
    made: list[Path] = []
    try:
        for name, data in draft.files.items():
            made.append(_write_new(into.parent / name, data))
        beside.write_text(text, encoding="utf-8")
        load(Inputs(files=(beside,)))
        beside.replace(into)
    except OSError as error:
        _remove(beside, *made)
        raise InputError(Diagnostic(f"{error.filename or into} cannot be written: {error.strerror}")) from None
    except InputError:
        _remove(beside, *made)
        raise


def _write_new(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)
    return path


def _remove(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
