"""Which sandbox that goes is one that comes, under another name. Pure."""

from __future__ import annotations

from nexusctl.model.engine_names import natural_key
from nexusctl.model.observed.live import LiveState
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.plan.compare.fields import compare

_NAMES = frozenset({"group"})


def find_former(stack: Stack, live: LiveState, new: Sandbox) -> tuple[str, str] | None:
    """The names before and after, those of the groups for a whole group; None where nobody or more than one could be.

    Their records are the same but for the names, and but for what only a record knows.
    """
    first = min((box.name for box in stack.sandboxes.values() if box.group == new.group), key=natural_key)
    found = [
        live.record
        for live in live.sandboxes
        if live.sandbox not in stack.sandboxes and live.record and not live.partial and _is_same(live.record, new)
    ]
    if len(found) > 1 and new.name != new.group:
        # Of two groups the members are alike, too.
        found = [record for record in found if _member(record) == _member(new)]
    if len(found) != 1 or sum(_is_alike(found[0], box, new) for box in _list_new(stack, live)) != 1:
        return None
    (old,) = found
    if old.name != old.group and _member(old) == _member(new):
        return (old.group, new.group) if new.name == first else None
    return old.name, new.name


def _list_new(stack: Stack, live: LiveState) -> list[Sandbox]:
    present = {found.sandbox for found in live.sandboxes}
    return [box for name, box in stack.sandboxes.items() if name not in present]


def _is_alike(old: Sandbox, box: Sandbox, new: Sandbox) -> bool:
    """Whether `box` could be what `old` has become as well as `new`; the other members of its group could not."""
    return _is_same(old, box) and (box.group != new.group or _member(box) == _member(new))


def _is_same(old: Sandbox, new: Sandbox) -> bool:
    return all(d.effect == "record" or d.field in _NAMES for d in compare(old, new, frozenset()))


def _member(sandbox: Sandbox) -> str:
    return sandbox.name.removeprefix(sandbox.group)
