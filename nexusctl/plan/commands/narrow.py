"""Less of a stack: what a user chose of it, where something of the rest cannot be read or is not there. Pure."""

from __future__ import annotations

from dataclasses import replace

from nexusctl.model.observed.live import LiveState
from nexusctl.model.stack import Stack
from nexusctl.plan.commands.names import Choice, match_names
from nexusctl.plan.commands.target import choose_names


def narrow(stack: Stack, choice: Choice) -> Stack:
    """`stack` with the groups of which `choice` means something; what is live of the others is left as it is."""
    names = set(choose_names(stack, LiveState(stack=stack.name), choice)) & stack.sandboxes.keys()
    while cut := {name for name in names if not _list_needed(stack, name) <= names}:
        names -= cut
    groups = {stack.sandboxes[name].group for name in names}
    kept = {name: sandbox for name, sandbox in stack.sandboxes.items() if sandbox.group in groups}
    others = {sandbox.group for sandbox in stack.sandboxes.values()} - groups
    return replace(stack, sandboxes=kept, inactive=tuple(sorted({*stack.inactive, *others})))


def adjust(choice: Choice, whole: Stack, narrowed: Stack) -> Choice:
    """`choice` without the exclusions that mean nothing in `narrowed` because that lacks them already."""
    names = {name: sandbox.group for name, sandbox in narrowed.sandboxes.items()}
    gone = {name: sandbox.group for name, sandbox in whole.sandboxes.items() if name not in names}
    left = tuple(word for word in choice.excludes if match_names(word, names) or not match_names(word, gone))
    return replace(choice, excludes=left)


def _list_needed(stack: Stack, name: str) -> set[str]:
    return {dependency.sandbox for dependency in stack.sandboxes[name].depends_on}
