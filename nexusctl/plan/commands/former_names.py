"""What a user asked for by the name that a sandbox had before it moved. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from nexusctl.model.observed.live import LiveState
from nexusctl.model.stack import Stack
from nexusctl.plan.commands.names import Choice, group_names, match_names
from nexusctl.plan.compare.moved import find_moves


def call_anew(choice: Choice, stack: Stack, live: LiveState) -> Choice:
    """`choice` by the names that sandboxes have in `stack`, where it means some by those that they had."""
    groups = group_names(stack, live)
    moves = find_moves(stack, live)
    anew = {name: frozenset({target}) for name, target in moves.items()}
    for move in stack.moved:
        # What is not there by its former name has moved, or is yet to be made.
        if move.source not in groups:
            groups[move.source] = move.source
            anew[move.source] = match_names(move.target, groups)
    if not anew:
        return choice
    return replace(
        choice,
        targets=tuple(_call(choice.targets, groups, anew)),
        excludes=tuple(_call(choice.excludes, groups, anew)),
    )


def _call(words: Iterable[str], groups: Mapping[str, str], anew: Mapping[str, Iterable[str]]) -> Iterator[str]:
    for word in words:
        found = match_names(word, groups)
        former = sorted(found & anew.keys())
        if not former or found - anew.keys():
            yield word
        for name in former:
            yield from sorted(anew[name])
