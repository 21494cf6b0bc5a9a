"""`moved`: which sandboxes had another name before, so that they keep their containers."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingType
from typing import NamedTuple

from nexusctl.config.build.dependencies import Declarations
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.problems import Problems, note
from nexusctl.model.stack import Move, Sandbox
from nexusctl.model.values.did_you_mean import suggest


class MovedEntry(NamedTuple):
    """One entry, with the places of its names."""

    source: Scalar
    target: Scalar


def build_moves(
    node: Node | None, sandboxes: MappingType[str, Sandbox], known: Declarations, problems: Problems
) -> tuple[Move, ...]:
    """The moves in their order; names that are of no use are reported. A move of what is nowhere is fine."""
    items = node.items if isinstance(node, Sequence) else []
    placed = [found for found in map(_read, items) if found]
    declared = {**known.declared, **{name: known.declared.get(box.group) for name, box in sandboxes.items()}}
    sources, targets = _first(found.source for found in placed), _first(found.target for found in placed)
    for source, target in placed:
        if source.text in declared:
            here = declared[source.text]
            notes = (note(f"`{source.text}` is declared here", here),) if here else ()
            hint = "remove this entry, or give the sandbox its new name"
            problems.add(source, f"`{source.text}` is still there, so it has not moved", hint, *notes)
        elif sources[source.text] is not source:
            first = note("the first time is here", sources[source.text])
            problems.add(source, f"`{source.text}` moves twice", "keep one of the two", first)
        if target.text not in declared and target.text not in sources:
            hint = suggest(target.text, declared, "sandboxes")
            problems.add(target, f"`{source.text}` moves to `{target.text}`, which is no sandbox", hint)
        elif targets[target.text] is not target:
            first = note("the other one is here", targets[target.text])
            problems.add(target, f"two sandboxes move to `{target.text}`", "keep one of the two", first)
    moves = {source.text: target.text for source, target in placed}
    for source, target in placed:
        if source.text not in declared and _goes_round(source.text, moves):
            hint = "let the last one move to a sandbox that is in the file"
            problems.add(target, f"`{source.text}` moves in a circle", hint)
    return tuple(Move(source=source.text, target=target.text) for source, target in placed)


def _read(node: Node) -> MovedEntry | None:
    if not isinstance(node, Mapping):
        return None
    source, target = node.get("from"), node.get("to")
    return MovedEntry(source, target) if isinstance(source, Scalar) and isinstance(target, Scalar) else None


def _first(names: Iterable[Scalar]) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {}
    for name in names:
        found.setdefault(name.text, name)
    return found


def _goes_round(name: str, moves: MappingType[str, str]) -> bool:
    seen = [name]
    while seen[-1] in moves:
        seen.append(moves[seen[-1]])
        if seen[-1] == name:
            return True
        if len(seen) > len(moves):
            return False
    return False
