"""Plans in files: written, read, and made anew to see whether they still hold."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from nexusctl import __version__
from nexusctl.api.planning import prepare
from nexusctl.api.subject import read_chosen
from nexusctl.config.export.atomic_write import replace_file
from nexusctl.config.settings import read_settings
from nexusctl.config.trust.project_folder import project_of, why_outside
from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, InputError, Note, PlanError
from nexusctl.model.load_request import NOTHING, Given, Inputs
from nexusctl.model.observed.live import Adopt
from nexusctl.model.trust import OURS, Trust
from nexusctl.plan.commands.basis import Basis
from nexusctl.plan.commands.fingerprint import take_fingerprints
from nexusctl.plan.commands.names import Choice
from nexusctl.plan.commands.saved import Saved, Unusable, find_moved, read_saved, write_saved


def save_plan(
    engine: Engine,
    basis: Basis,
    inputs: Inputs,
    to: Path,
    *,
    deep: bool,
    adopt: Adopt = None,
    choice: Choice | None = None,
) -> None:
    """Write the plan to `to`, which only its owner may read. Raises `InputError` where that cannot be written.

    `choice` is what the user asked for, where `basis` has less of it.
    """
    salt = os.urandom(16).hex()
    saved = Saved(
        version=__version__,
        inputs=_lasting(inputs, basis.stack.sensitive),
        engine=engine.identity(),
        stack=basis.stack.name,
        choice=choice or basis.choice,
        deep=deep,
        adopt=adopt,
        salt=salt,
        prints=take_fingerprints(basis, salt),
    )
    try:
        replace_file(to, write_saved(saved), private=True)
    except OSError as error:
        raise InputError(Diagnostic(f"the plan cannot be saved as {to}: {error.strerror}")) from None


def _lasting(inputs: Inputs, sensitive: frozenset[str]) -> Inputs:
    """`inputs` for a reader in any folder, without the values that are never written anywhere."""
    given = Given(
        values={name: text for name, text in inputs.given.values.items() if name not in sensitive},
        files=tuple(path.absolute() for path in inputs.given.files),
    )
    return replace(
        inputs,
        files=tuple(path.absolute() for path in inputs.files),
        given=given,
        lock=inputs.lock.absolute() if inputs.lock else None,
        settings=read_settings(inputs.settings),
    )


def read_plan(path: Path) -> Saved:
    """The saved plan in the file `path`. Raises `InputError` for what is none, or not one of this nexusctl's."""
    try:
        return read_saved(path.read_text(encoding="utf-8"), version=__version__)
    except OSError as error:
        problem = error.strerror or str(error)
    except UnicodeDecodeError:
        problem = "it is not a saved plan"
    except Unusable as error:
        problem = str(error)
    hint = "`nexusctl plan --out FILE` makes a saved plan"
    if path.suffix in (".yaml", ".yml"):
        hint = f"a stack file is named with `-f {path}`; {hint}"
    raise InputError(Diagnostic(f"{path} cannot be applied: {problem}", hint=hint))


def recall_plan(engine: Engine, saved: Saved, given: Given = NOTHING, trust: Trust = OURS) -> Basis:
    """The saved plan, made anew; the caller holds the stack's lock. `given` is what it does not say itself.

    `trust` is for the files that it names, which have to lie in the project here where they are a stranger's.
    Raises `InputError` where they do not, `PlanError` with all that moved.
    """
    if saved.engine != engine.identity():
        raise _outdated("the engine is another one than it was made for")
    _refuse_elsewhere(saved.inputs, trust)
    about = read_chosen(replace(_with(saved.inputs, given), trust=trust), saved.choice)
    stack = about.stack
    if stack.name != saved.stack:
        raise _outdated(f"input: the stack is called {stack.name}, it was {saved.stack}")
    basis = prepare(engine, stack, deep=saved.deep, adopt=saved.adopt, choice=about.choice)
    if moved := find_moved(saved.prints, take_fingerprints(basis, saved.salt)):
        raise _outdated(*moved)
    return basis


def _refuse_elsewhere(inputs: Inputs, trust: Trust) -> None:
    """Raise `InputError` where a plan that a stranger may have written names files outside of the project here."""
    named = (*inputs.files, *inputs.given.files, *((inputs.lock,) if inputs.lock else ()))
    for path in named if trust.untrusted else ():
        if why := why_outside(path, project_of(Path("nexus.yaml"))):
            raise InputError(Diagnostic(f"the saved plan names `{path}`, which {why}", hint=trust.hint))


def _with(inputs: Inputs, given: Given) -> Inputs:
    before = inputs.given
    values, files = {**before.values, **given.values}, (*before.files, *given.files)
    return replace(inputs, given=Given(values=values, files=files) if values or files else NOTHING)


def _outdated(*moved: str) -> PlanError:
    return PlanError(
        Diagnostic(
            "the saved plan does not hold any more; nothing was changed",
            notes=tuple(Note(phrase) for phrase in moved),
            hint="`nexusctl plan --out FILE` makes a new one",
        )
    )
