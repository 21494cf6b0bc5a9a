"""Why the plan says what it says of a sandbox: what the file wants and where, what was applied, and what is live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nexusctl.api import connection, inspection, planning
from nexusctl.api.subject import Subject, read_chosen
from nexusctl.config.export.sandbox_places import find_places
from nexusctl.config.load import Loaded, load_whole, load_whole_readable
from nexusctl.errors import Diagnostic, InputError, Location
from nexusctl.model.engine_names import natural_key
from nexusctl.model.load_request import Inputs
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.plan.plan import Change
from nexusctl.model.stack import Sandbox
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.plan.commands.names import Choice, group_names, match_names
from nexusctl.plan.commands.states.states import find_holders
from nexusctl.plan.commands.story import FieldStory, SandboxStory
from nexusctl.plan.compare.fields import TABLE, describe_sides


def explain(inputs: Inputs, asked: str) -> tuple[tuple[SandboxStory, ...], tuple[Diagnostic, ...]]:
    """The stories of the sandboxes that NAME[.FIELD] means, each with the fields that are there and differ first.

    With them, as warnings, what is wrong with other sandboxes of the files. Looks inside, and changes nothing. Raises
    `InputError` for what means nothing and where those themselves are wrong, `PlanError`, `EngineError`.
    """
    word, _, field = asked.partition(".")
    loaded, subject = _read(inputs, word)
    stack, engine = subject.stack, connection.connect()
    basis = planning.prepare(engine, stack, deep=True, choice=subject.choice)
    plan = inspection.mark_flight(basis)
    groups = group_names(stack, basis.live)
    planning.require_known(Choice(targets=(word,)), groups)
    holders = find_holders(basis.live)
    stories = []
    for name in sorted(match_names(word, groups), key=natural_key):
        desired, holder = stack.sandboxes.get(name), holders.get(name)
        places = find_places(loaded, desired) if desired else {}
        changes = tuple(c for c in plan.changes if c.kind == "sandbox" and c.name == name)
        stories.append(
            SandboxStory(
                name=name,
                state=holder.state if holder else "absent",
                changes=changes,
                held=next((held for held in plan.held if held.name == name), None),
                left_out=next((o.reason for o in plan.omitted if o.kind == "sandbox" and o.name == name), ""),
                place=places.get(""),
                busy=plan.busy,
                fields=_choose(tuple(_tell(desired, holder, changes, places)), field, name),
            )
        )
    return tuple(stories), subject.problems


def _read(inputs: Inputs, word: str) -> tuple[Loaded, Subject]:
    """The whole file where it is right, else what `word` means of it."""
    try:
        loaded = load_whole(inputs)
    except InputError:
        subject = read_chosen(inputs, Choice(targets=(word,)))
        return load_whole_readable(inputs)[0], subject
    return loaded, Subject(stack=loaded.stack)


def _choose(fields: tuple[FieldStory, ...], wanted: str, name: str) -> tuple[FieldStory, ...]:
    if not wanted:
        return fields
    found = tuple(f for f in fields if f.field == wanted or f.field.startswith((f"{wanted}.", f"{wanted}[")))
    if not found:
        known = {f.field for f in fields} | {rule.field for rule in TABLE}
        if wanted in known:
            return (FieldStory(field=wanted, desired=None, recorded=None, live=None, place=None),)
        raise InputError(Diagnostic(f"{name} has no field {wanted}", hint=suggest(wanted, known, "its fields")))
    return found


def _tell(
    desired: Sandbox | None, holder: LiveSandbox | None, changes: tuple[Change, ...], places: Mapping[str, Location]
) -> Iterator[FieldStory]:
    differences = {d.field: d for change in changes for d in change.differences}
    wanted, applied = _flatten(desired), _flatten(holder.record if holder else None)
    paths = sorted({*wanted, *applied, *differences}, key=lambda path: (path not in differences, path))
    for path in paths:
        difference = differences.get(path)
        drifted = difference is not None and difference.cause == "drifted"
        recorded, asked = describe_sides(applied.get(path), wanted.get(path))
        yield FieldStory(
            field=path,
            desired=asked,
            recorded=recorded,
            # What is not told to have drifted is as it was applied.
            live=difference.before if drifted and difference else recorded,
            place=_find_place(path, places),
            difference=difference,
        )


def _flatten(sandbox: Sandbox | None) -> dict[str, Any]:
    """What it says that is not so without a word."""
    if sandbox is None:
        return {}
    plain = dict(_list_values(Sandbox(name="", group="", image="")))
    return {path: value for path, value in _list_values(sandbox) if plain.get(path) != value}


def _list_values(sandbox: Sandbox) -> Iterator[tuple[str, Any]]:
    for rule in TABLE:
        if rule.field != "group":
            yield from rule.flatten(rule.field, getattr(sandbox, rule.field)).items()


def _find_place(path: str, places: Mapping[str, Location]) -> Location | None:
    while path:
        if path in places:
            return places[path]
        path = path.rpartition(".")[0]
    return None
