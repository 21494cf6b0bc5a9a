"""How many there are of a sandbox, and what it is called: an edit of the stack file, then the sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from nexusctl.api.apply import Events, Terms, apply
from nexusctl.api.everyday.file_edits import Texts, change_files, find_file
from nexusctl.api.subject import read_chosen
from nexusctl.config.document import node
from nexusctl.config.edit.edit import append_item, open_text, remove, rename_key, set_value
from nexusctl.config.load import load
from nexusctl.errors import Diagnostic, InputError, NexusError
from nexusctl.importers.draft.names import fit_name
from nexusctl.model.instance import fit_instance
from nexusctl.model.load_request import Inputs
from nexusctl.model.stack import Stack
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.plan.commands.names import Choice

Path = tuple[str | int, ...]


def scale(inputs: Inputs, wanted: Mapping[str, int], terms: Terms) -> Events:
    """Let the file say how many there are of each group in `wanted`, and make it so; returns how that went.

    Where nobody wants the plan, or there can be none, the file is as it was. Raises as `apply` does.
    """
    check_scale(inputs, wanted)

    def change(texts: Texts) -> Texts:
        for group, number in wanted.items():
            path = find_file(texts, group)
            texts[path] = set_value(texts[path], ("sandboxes", group, "replicas"), number, display=str(path))
        return texts

    said = [f"`{group}` has `replicas: {number}` now" for group, number in wanted.items()]
    return (yield from _change_and_apply(inputs, change, tuple(wanted), said, terms))


def rename(inputs: Inputs, old: str, new: str, terms: Terms) -> Events:
    """Call the sandbox `old` of the file `new`, wherever the file names it, and let its containers keep their place.

    Where nobody wants the plan, or there can be none, the file is as it was. Raises as `apply` does.
    """
    check_rename(inputs, old, new)

    def change(texts: Texts) -> Texts:
        declaring = find_file(texts, old)
        for path, text in texts.items():
            texts[path] = _rename_in(_forget_moves(text, new, str(path)), old, new, str(path))
        moved = {"from": old, "to": new}
        texts[declaring] = append_item(texts[declaring], ("moved",), moved, display=str(declaring))
        return texts

    return (yield from _change_and_apply(inputs, change, (new,), [f"`{old}` is called `{new}` now"], terms))


def check_scale(inputs: Inputs, wanted: Mapping[str, int]) -> None:
    """Raise `InputError` for what the file does not declare."""
    _require_groups(load(inputs), wanted)


def check_rename(inputs: Inputs, old: str, new: str) -> None:
    """Raise `InputError` for what the file does not declare, and for a name that is given already, or cannot be one."""
    stack = load(inputs)
    _require_groups(stack, (old,))
    if new in {sandbox.group for sandbox in stack.sandboxes.values()}:
        raise InputError(Diagnostic(f"a sandbox is called {new} already", hint="choose another name"))
    if not new or fit_instance(new) != new:
        hint = f"use lower-case letters, digits and dashes, at most 40, such as `{fit_name(new, 'api')}`"
        raise InputError(Diagnostic(f"a sandbox cannot be called `{new[:60]}`", hint=hint))


def _change_and_apply(
    inputs: Inputs, change: Callable[[Texts], Texts], names: tuple[str, ...], said: list[str], terms: Terms
) -> Events:
    take_back = change_files(inputs, change)
    try:
        about = read_chosen(inputs, Choice(targets=names))
        for line in said:
            terms.report(f"{inputs.files[-1]}: {line}")
        outcome = yield from apply(about, terms)
    except NexusError:
        # What fails while it is carried out is an event.
        _restore(take_back, inputs, terms)
        raise
    if outcome == "declined":
        _restore(take_back, inputs, terms)
    return outcome


def _restore(take_back: Callable[[], None], inputs: Inputs, terms: Terms) -> None:
    take_back()
    terms.report(f"{inputs.files[-1]} is as it was")


def _require_groups(stack: Stack, names: Mapping[str, int] | tuple[str, ...]) -> None:
    groups = {sandbox.group for sandbox in stack.sandboxes.values()} | {*stack.inactive}
    if unknown := [name for name in names if name not in groups]:
        raise InputError(
            *(
                Diagnostic(f"the file declares no sandbox {n}", hint=suggest(n, groups, "the sandboxes"))
                for n in unknown
            )
        )


def _forget_moves(text: str, name: str, display: str) -> str:
    """`text` without a move away from `name`, which is there again."""
    tree = open_text(text, display)[1].tree
    moves = tree.values.get("moved") if isinstance(tree, node.Mapping) else None
    items = moves.items if isinstance(moves, node.Sequence) else ()
    for number, item in [*enumerate(items)][::-1]:
        begin = item.values.get("from") if isinstance(item, node.Mapping) else None
        if isinstance(begin, node.Scalar) and begin.text == name:
            text = remove(text, ("moved", number), display=display)
    return text


def _rename_in(text: str, old: str, new: str, display: str) -> str:
    """`text` with the sandbox called otherwise, where it is declared, depended on and referred to."""
    tree = open_text(text, display)[1].tree
    if not isinstance(tree, node.Mapping):
        return text
    # From the end on, for the key itself is a part of other paths.
    for path, value in [*_find_references(tree, (), old, new)][::-1]:
        if value is None:
            text = rename_key(text, path, new, display=display)
        else:
            text = set_value(text, path, value, display=display)
    if len(open_text(text, display)[1].follow(("sandboxes", old))) > 2:
        text = rename_key(text, ("sandboxes", old), new, display=display)
    return text


def _find_references(tree: node.Node, path: Path, old: str, new: str) -> Iterator[tuple[Path, str | None]]:
    """Where the text names the sandbox: a path with the new value, or with None where its last key is the name."""
    depends = len(path) == 3 and path[0] == "sandboxes" and path[2] == "depends_on"
    if isinstance(tree, node.Mapping):
        if depends and old in tree.values:
            yield (*path, old), None
        for key, value in tree.values.items():
            yield from _find_references(value, (*path, key), old, new)
    elif isinstance(tree, node.Sequence):
        for number, item in enumerate(tree.items):
            if depends and isinstance(item, node.Scalar) and item.text == old:
                yield (*path, number), new
            else:
                yield from _find_references(item, (*path, number), old, new)
    elif isinstance(tree, node.Scalar) and isinstance(tree.value, str) and f"${{sandbox.{old}." in tree.value:
        yield path, tree.value.replace(f"${{sandbox.{old}.", f"${{sandbox.{new}.")
