"""Doors in: other people's files and running containers become a stack file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nexusctl.api.importing.draft_files import is_written, lying_beside, place_beside, remove, write_new
from nexusctl.api.planning import empty_stack, prepare
from nexusctl.config.edit.encoding import decode, encoding_of
from nexusctl.config.export.atomic_write import alone_with, file_beside, replace_file
from nexusctl.config.load import load, load_template, template_names
from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, InputError, Location, Note, NotFound, PlanError, StepError
from nexusctl.importers.compose.file import read_compose
from nexusctl.importers.devcontainer.devcontainer import read_devcontainer
from nexusctl.importers.draft.draft import Draft
from nexusctl.importers.draft.names import fit_name
from nexusctl.importers.draft.yaml_writer import insert, read_name, write_text
from nexusctl.importers.live.containers import draft_containers
from nexusctl.importers.live.stack import Contents, find_wanted, read_recorded
from nexusctl.model.load_request import Given, Inputs
from nexusctl.model.observed.inspected_container import InspectedContainer
from nexusctl.model.plan.plan import Change, Difference
from nexusctl.model.stack import Stack
from nexusctl.model.trust import OURS, Trust
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.model.values.secret_detection import looks_secret
from nexusctl.plan.commands.basis import Basis
from nexusctl.plan.commands.drift import recorded_stack
from nexusctl.plan.steps.adopt import only_takeover

__all__ = [
    "check",
    "count_taken",
    "prepare_takeover",
    "preview",
    "read_compose",
    "read_containers",
    "read_project",
    "read_devcontainer",
    "read_stack",
    "render",
    "write",
]

_WIDEST = 80

CONTENTS_BYTES = 512 * 1024 * 1024
"""How much of files an import takes: they are held in memory until all of them can be written."""
"""Characters of a value that a message shows."""


def read_containers(engine: Engine, names: tuple[str, ...], stack: str) -> Draft:
    """The draft for the containers `names`, which nexusctl did not make. Raises `NotFound`, `EngineError`."""
    return draft_containers([_find_container(engine, name, stack) for name in names], stack)


def _find_container(engine: Engine, name: str, stack: str) -> InspectedContainer:
    """One that `stack` has taken over is found by its former name too: the taking over may not have come to its end."""
    try:
        return engine.inspect(name)
    except NotFound:
        wanted = fit_name(name)
        live = engine.observe(empty_stack(fit_name(stack))).sandboxes
        taken = next((found.id for found in live if found.adopted and found.sandbox == wanted), None)
        if taken is None:
            raise
        return replace(engine.inspect(taken), name=name)


def read_project(
    engine: Engine,
    path: Path,
    into: Path,
    project: str,
    trust: Trust = OURS,
    profiles: Collection[str] = (),
    env_files: Sequence[Path] = (),
) -> Draft:
    """The draft for what is live of the Compose project in the file `path`, for the stack file `into`.

    Raises `InputError`, `EngineError`.
    """
    stack = read_name(decode(into.read_bytes(), str(into))) if into.exists() else ""
    return read_compose(path, into.parent, project, engine.find_project, stack, trust, profiles, env_files)


def read_stack(engine: Engine, name: str) -> Draft:
    """The draft of the file of a stack that is live. Raises `InputError` where none is, `EngineError`."""
    live = engine.observe(empty_stack(name), deep=True)
    if not live.sandboxes:
        hint = suggest(name, engine.list_stacks() - {name}, "stacks")
        raise InputError(Diagnostic(f"no sandbox of a stack {name} is live", hint=hint))
    stack = recorded_stack(empty_stack(name), live)
    # By what their records call them: labels may say anything.
    ids = {found.record.name if found.record else found.sandbox: found.id for found in live.sandboxes}
    contents = _read_contents(engine, ids, find_wanted(stack))
    names = {sandbox.template for sandbox in stack.sandboxes.values()} & set(template_names())
    return read_recorded(stack, {name: load_template(name) for name in sorted(filter(None, names))}, contents)


def _read_contents(engine: Engine, ids: Mapping[str, str], wanted: Iterable[tuple[str, str]]) -> Contents:
    """What lies in the sandboxes with these `ids`, or why it is not taken: they may hold anything by now."""
    contents: dict[tuple[str, str], tuple[bytes, str] | str] = {}
    left = CONTENTS_BYTES
    for sandbox, path in wanted:
        if left <= 0:
            contents[sandbox, path] = f"the files before it hold more than {CONTENTS_BYTES // 1024**2} MiB"
            continue
        try:
            data = engine.read_file(ids[sandbox], path)
        except StepError as error:
            contents[sandbox, path] = error.diagnostics[0].summary
            continue
        if data is not None:
            left -= len(data)
            contents[sandbox, path] = data, hashlib.sha256(data).hexdigest()
    return contents


def render(draft: Draft, into: Path) -> str:
    """The text that `into` is to have: the draft alone where there is no such file, else the file with it added.

    Raises `InputError` where the file has something of the draft already.
    """
    if not into.exists():
        return write_text(draft.document)
    return insert(decode(into.read_bytes(), str(into)), draft.document)


def _render_bytes(draft: Draft, into: Path) -> bytes:
    """What `render` says, in the encoding that the file has."""
    return render(draft, into).encode(encoding_of(into.read_bytes()) if into.exists() else "utf-8")


def preview(draft: Draft, into: Path, trust: Trust = OURS) -> Stack:
    """The stack of the file `into` as it will be; what is written for that is gone afterwards.

    Raises `InputError` where it cannot be written, or is not valid.
    """
    content = _render_bytes(draft, into)
    try:
        with alone_with(into), lying_beside(draft, into), file_beside(into, content) as new:
            return _require_valid(Inputs(files=(new,), trust=trust), into, draft)
    except OSError as error:
        raise _unwritable(error, into) from None


def check(draft: Draft, into: Path, trust: Trust = OURS) -> None:
    """The same where nothing is to be written, so that the folder may be one that cannot be written to.

    Raises `InputError` where the draft is not valid, or cannot be checked, as its files have to lie there.
    """
    content = _render_bytes(draft, into)
    if not draft.files:
        _require_valid(Inputs(files=(into,), texts={into: content}, trust=trust), into, draft)
        return
    try:
        with alone_with(into), lying_beside(draft, into):
            _require_valid(Inputs(files=(into,), texts={into: content}, trust=trust), into, draft)
    except OSError as error:
        refused = _unwritable(error, into).diagnostics[0]
        hint = "the files that belong to the draft have to lie there to check it; name a file elsewhere with `-f`"
        raise InputError(replace(refused, hint=hint)) from None


def write(draft: Draft, into: Path, trust: Trust = OURS) -> None:
    """Write the draft to the stack file `into`, and its files beside it, when all of it is valid.

    Raises `InputError` where it is not, where a file of the draft is there already, or where it cannot be written;
    then everything is as it was.
    """
    content = _render_bytes(draft, into)
    made: list[Path] = []

    def require_valid(beside: Path) -> None:
        _require_valid(Inputs(files=(beside,), trust=trust), into, draft)

    try:
        with alone_with(into):
            for name, file in draft.files.items():
                path = place_beside(into, name)
                if not is_written(path, file):
                    write_new(path, file, made)
            replace_file(into, content, check=require_valid)
    except OSError as error:
        remove(made)
        raise _unwritable(error, into) from None
    except BaseException:
        remove(made)
        raise


def _unwritable(error: OSError, into: Path) -> InputError:
    return InputError(Diagnostic(f"{error.filename or into} cannot be written: {error.strerror}"))


def _require_valid(inputs: Inputs, into: Path, draft: Draft) -> Stack:
    """The stack of the inputs. Raises `InputError` with places in `into`, which nobody has written."""
    # Their values are for others to give.
    variables = draft.document.get("variables", {})
    given = Given(values={name: "x" for name, declared in variables.items() if declared == {"sensitive": True}})
    try:
        return load(replace(inputs, given=given))
    except InputError as error:
        beside = str(inputs.files[0])
        unwritten = Note(f"{into} was not written; with `--stdout` this import shows what it would be")
        raise InputError(*(_at(problem, beside, str(into), unwritten) for problem in error.diagnostics)) from None


def _at(problem: Diagnostic, written: str, meant: str, unwritten: Note) -> Diagnostic:
    """`problem` as one of the file that was meant."""
    notes = (replace(note, location=_move(note.location, written, meant)) for note in problem.notes)
    return replace(problem, location=_move(problem.location, written, meant), notes=(*notes, unwritten))


def _move(place: Location | None, written: str, meant: str) -> Location | None:
    return replace(place, file=meant) if place and place.file == written else place


def prepare_takeover(engine: Engine, draft: Draft, stack: Stack, way: str) -> Basis:
    """The plan that takes over the containers of `draft`, which `stack` describes, and does nothing else to them.

    `way` says what helps where one would be changed. Raises `PlanError` then, `Conflict` where one has gone meanwhile,
    `EngineError`.
    """
    basis = prepare(engine, stack, adopt=draft.containers)
    others = [c for c in basis.plan.changes if c.kind == "sandbox" and c.name in draft.containers]
    problems = [_refuse(change, way) for change in others if change.action not in ("adopt", "rename", "start")]
    problems += [
        Diagnostic(f"it cannot be taken over as it is: {path} is not in it", sandbox=name, hint=way)
        for name, path in _find_lost_secrets(engine, draft.containers, stack)
    ]
    if problems:
        raise PlanError(*problems)
    return replace(basis, plan=only_takeover(basis.plan, draft.containers, "`nexusctl apply` does that"))


def count_taken(draft: Draft, basis: Basis) -> int:
    """How many containers of `draft` the stack had taken over before."""
    ids = set(draft.containers.values())
    return sum(found.adopted == "yes" and found.id in ids for found in basis.live.sandboxes)


def _refuse(change: Change, way: str) -> Diagnostic:
    why = "".join(f", {difference.field}" for difference in change.differences) or f", {change.reason}"
    return Diagnostic(
        f"it cannot be taken over as it is: {change.action}{why}",
        sandbox=change.name,
        notes=tuple(Note(_describe(difference)) for difference in change.differences),
        hint=way,
    )


def _describe(difference: Difference) -> str:
    if _is_secret(difference):
        return f"{difference.field} is another one, which is not shown"
    return f"{difference.field} is {_show(difference.before)}, and would be {_show(difference.after)}"


def _is_secret(difference: Difference) -> bool:
    """Whether a value may be one that nobody should read: what a container has was never told to be a secret."""
    values = [str(value) for value in (difference.before, difference.after) if value is not None]
    name = difference.field.removeprefix("env.")
    return any(value.startswith("[secret ") or looks_secret(name, value) for value in values)


def _show(value: Any) -> str:
    text = "not there" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDEST else f"{text[:_WIDEST]}..."


def _find_lost_secrets(engine: Engine, containers: Mapping[str, str], stack: Stack) -> Iterator[tuple[str, str]]:
    """Files that are to be left as they are, and are not there: by sandbox and path."""
    for name, container in sorted(containers.items()):
        sandbox = stack.sandboxes[name]
        for file in sandbox.secrets if "secrets" in sandbox.lifecycle.ignore else ():
            if engine.read_file(container, file.path) is None:
                yield name, file.path
