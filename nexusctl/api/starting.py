"""The first stack file, and the first template: written once, never over something."""

from __future__ import annotations

import os
from pathlib import Path

from nexusctl.api.importing.draft_files import is_written, place_beside, remove, write_new
from nexusctl.config.load import load, load_template
from nexusctl.errors import Diagnostic, InputError
from nexusctl.importers.draft.draft import Draft
from nexusctl.importers.draft.names import fit_name
from nexusctl.importers.draft.yaml_writer import write_text
from nexusctl.importers.project.project import read_project
from nexusctl.importers.project.starter import StarterOptions, default_port, make_starter
from nexusctl.model.load_request import Inputs
from nexusctl.model.trust import OURS, Trust

__all__ = [
    "StarterOptions",
    "begin_stack",
    "begin_template",
    "default_port",
    "load_template",
    "make_starter",
    "read_project",
]

_HEADER = "# What should be there. `nexusctl plan` shows what that changes, and `nexusctl apply` does it.\n"

_TEMPLATE = """# A template: `template: NAME` in a stack file beside this folder uses it.
name: NAME
description: What it is for, in one line
extends: BELOW

# In the place of `extends`: the image that sandboxes are made of, and how it is made where no registry answers.
# image: python:3.12-slim-bookworm
# manager: pip
# bootstrap:
#   from: base
#   apt: [python3, python3-pip]
#   run: ln -sf python3 /usr/bin/python
#   env: {LANG: C.UTF-8}
#   command: [python3]

# What a sandbox can say with `with`, typed as variables are; `${param.port}` stands for one.
parameters:
  port:
    type: integer
    default: 3000
    description: Where the service listens

# A partial sandbox; the keys of a sandbox that uses the template win.
defaults:
  env:
    PORT: "${param.port}"
  ports: ["${param.port}"]
"""


def begin_stack(draft: Draft, into: Path, trust: Trust = OURS) -> None:
    """Write the draft as the new stack file `into`, and its files beside it.

    Raises `InputError` where one is there, or the draft is no good; then nothing was written.
    """
    beside = into.with_name(f".{into.name}.{os.urandom(4).hex()}")
    _refuse_existing(into)
    made: list[Path] = []
    try:
        for name, file in draft.files.items():
            path = place_beside(into, name)
            if not is_written(path, file):
                write_new(path, file, made)
        beside.write_text(_HEADER + write_text(draft.document), encoding="utf-8")
        load(Inputs(files=(beside,), trust=trust))
        # Unlike a rename, a link is not made over something.
        os.link(beside, into)
    except FileExistsError as error:
        remove(made)
        _refuse_existing(Path(error.filename2 or error.filename or into))
    except OSError as error:
        remove(made)
        raise InputError(Diagnostic(f"`{into}` cannot be written: {error.strerror}", hint="check the folder")) from None
    except InputError:
        remove(made)
        raise
    finally:
        beside.unlink(missing_ok=True)


def begin_template(name: str, below: str, folder: Path, trust: Trust = OURS) -> Path:
    """Write a template to start from, which extends `below`; returns its path. Raises `InputError` where it cannot."""
    if fit_name(name) != name:
        hint = f"use lower-case letters, digits and dashes, such as `{fit_name(name)}`"
        raise InputError(Diagnostic(f"`{name}` cannot be the name of a template", hint=hint))
    path = folder / f"{name}.yaml"
    _refuse_existing(path)
    load_template(below, trust)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(_TEMPLATE.replace("NAME", name).replace("BELOW", below))
    except OSError as error:
        raise InputError(Diagnostic(f"`{path}` cannot be written: {error.strerror}", hint="check the folder")) from None
    return path


def _refuse_existing(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise InputError(Diagnostic(f"there is a `{path}` already", hint="name another file, or remove that one first"))
