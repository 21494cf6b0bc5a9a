"""Sandboxes that go by another name in the stack file than in their records: the container stays, only names change.

The file says so in `moved`; of a group, one alone counts as the first. A container whose newest record is lost still
has the name that it was given. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from nexusctl.model.engine_names import container_name
from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.stack import Move, Stack


def follow_moves(stack: Stack, live: LiveState) -> LiveState:
    """`live` with the names that its sandboxes have in `stack`; `moved_from` says what they were called."""
    moves = find_moves(stack, live)
    if not moves:
        return live
    sandboxes = tuple(
        replace(found, sandbox=moves[found.sandbox], moved_from=found.sandbox) if found.sandbox in moves else found
        for found in live.sandboxes
    )
    return replace(
        live, sandboxes=tuple(sorted(sandboxes, key=lambda found: (found.sandbox, found.created_at, found.id)))
    )


def find_moves(stack: Stack, live: LiveState) -> dict[str, str]:
    """The names in `stack` of live sandboxes that are called otherwise, unless another container has the new name."""
    ready: dict[str, LiveSandbox] = {}
    for found in sorted(live.sandboxes, key=lambda found: found.id):
        if found.sandbox not in stack.sandboxes and not found.partial:
            ready.setdefault(found.sandbox, found)
    if not ready:
        return {}
    moved = {move.source: move.target for move in stack.moved}
    wanted = {name: _find_target(found, stack, moved) for name, found in sorted(ready.items())}
    moves: dict[str, str] = {}
    taken = {found.sandbox for found in live.sandboxes if not found.partial}
    for name, target in wanted.items():
        if target and target not in taken:
            moves[name] = target
            taken.add(target)
    return moves


def reverse_moves(moves: Mapping[str, str]) -> tuple[Move, ...]:
    """What leads back."""
    return tuple(Move(source=target, target=name) for name, target in sorted(moves.items()))


def _find_target(found: LiveSandbox, stack: Stack, moved: Mapping[str, str]) -> str:
    """The name in the stack of a sandbox that it does not declare; empty where it has none."""
    if _is_inactive(found.record.group if found.record else found.sandbox, stack):
        return ""
    for target in (*_said(found, moved), *_counted(found)):
        if target in stack.sandboxes or _is_inactive(target, stack):
            return target
    return _remembered(found, stack)


def _said(found: LiveSandbox, moved: Mapping[str, str]) -> Iterator[str]:
    """By `moved`, itself or as a member of its group; several moves follow each other."""
    name, group = found.sandbox, found.record.group if found.record else found.sandbox
    if name in moved:
        target = _follow(name, moved)
        yield from (target, f"{target}-1")
    elif group in moved and name.startswith(f"{group}-"):
        target, member = _follow(group, moved), name.removeprefix(f"{group}-")
        yield f"{target}-{member}"
        if member == "1":
            yield target


def _follow(name: str, moved: Mapping[str, str]) -> str:
    seen = set()
    while name in moved and name not in seen:
        seen.add(name)
        name = moved[name]
    return name


def _counted(found: LiveSandbox) -> Iterator[str]:
    """One alone is the first of its group."""
    name, group = found.sandbox, found.record.group if found.record else ""
    if name == group:
        yield f"{name}-1"
    elif name == f"{group}-1":
        yield group


def _remembered(found: LiveSandbox, stack: Stack) -> str:
    if not found.unsure or not found.name.startswith(container_name(stack.name, "")):
        return ""
    name = found.name.removeprefix(container_name(stack.name, ""))
    return name if name in stack.sandboxes else ""


def _is_inactive(name: str, stack: Stack) -> bool:
    return name in stack.inactive or name.rpartition("-")[0] in stack.inactive
