"""The state of sandboxes, written into the stack file that declares them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nexusctl.api.everyday.file_edits import Texts, change_files, find_file
from nexusctl.config.edit.edit import open_text, remove, set_value
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.load_request import Inputs
from nexusctl.model.stack import DesiredState, Stack


def write_states(inputs: Inputs, stack: Stack, wanted: Mapping[str, DesiredState]) -> Iterator[str]:
    """Let the files say of each sandbox how it is to be; yields a line for each that they said otherwise of.

    Nothing else in them changes. Raises `InputError`, and leaves them as they were, where one cannot say that of this
    sandbox alone, or would be wrong then.
    """
    groups = {stack.sandboxes[n].group: state for n, state in wanted.items() if n in stack.sandboxes}
    changed = {
        group: state
        for group, state in groups.items()
        if any(sandbox.group == group and sandbox.state != state for sandbox in stack.sandboxes.values())
    }
    _refuse_parts(stack, wanted, changed)
    if not changed:
        return
    said = []

    def change(texts: Texts) -> Texts:
        for group, state in changed.items():
            path = find_file(texts, group)
            texts[path] = _edit(texts[path], group, state, str(path))
            said.append(f"{path}: `{group}` has `state: {state}` now")
        return texts

    change_files(inputs, change, lambda made: _require(made, changed))
    yield from said


def _require(made: Stack, changed: Mapping[str, DesiredState]) -> None:
    if wrong := [n for n, s in made.sandboxes.items() if s.group in changed and s.state != changed[s.group]]:
        hint = "write the state into the file that has the last word"
        raise InputError(Diagnostic(f"another file says the state of {', '.join(wrong)}", hint=hint))


def _refuse_parts(stack: Stack, wanted: Mapping[str, DesiredState], changed: Mapping[str, DesiredState]) -> None:
    problems = []
    for group in changed:
        members = [sandbox.name for sandbox in stack.sandboxes.values() if sandbox.group == group]
        if left := [name for name in members if name not in wanted]:
            hint = f"name the group, `{group}`, or leave out --write"
            problems.append(
                Diagnostic(f"{', '.join(left)} has its state in the file with others of {group}", hint=hint)
            )
    if problems:
        raise InputError(*problems)


def _edit(text: str, group: str, state: DesiredState, display: str) -> str:
    path = ("sandboxes", group, "state")
    there = len(open_text(text, display)[1].follow(path)) > len(path)
    if state == "running" and there:
        return remove(text, path, display=display)
    return set_value(text, path, state, display=display)
