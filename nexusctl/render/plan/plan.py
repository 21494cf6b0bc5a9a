"""A plan as text and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from nexusctl.model.plan.actions import ACTIONS
from nexusctl.model.plan.plan import Change, Difference, Plan, Step
from nexusctl.model.values.utc import utc
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.plan.alike import fold_alike
from nexusctl.render.text_style import count, paint, quiet, size

_SIGNS = {"+": "green", "~": "yellow", "-": "red"}
"""Of a field: given, changed, taken away."""

_WIDEST_NAME = 40
"""What longer names are followed by does not stand below the rest."""


def render_plan(plan: Plan, *, color: bool = False) -> str:
    """What would be done and why, for a person; ends with a line that counts."""
    return "".join([*render_busy(plan), _render_whole(plan, color=color)])


def render_busy(plan: Plan) -> Iterator[str]:
    """A line on who else changes the stack now, where somebody does."""
    if plan.busy:
        yield f"Stack {plan.stack} is being changed by {quiet(plan.busy)}, so this is how it is in between.\n"
    if plan.in_flight:
        yield f"In flight: {', '.join(map(quiet, plan.in_flight))}.\n"


def _render_whole(plan: Plan, *, color: bool) -> str:
    # That nothing changes holds as far as these have not.
    unread = len(plan.unread)
    doubt = f"{count(unread, 'secret')} {'was' if unread == 1 else 'were'} not read" if unread else ""
    if plan.empty and plan.omitted:
        return "\n".join(
            [
                f"No changes in the part of stack {plan.stack} that was chosen{f' ({doubt})' if doubt else ''}.",
                *_render_held(plan),
                *_render_omitted(plan),
                *_render_unreduced(plan),
                "",
            ]
        )
    if plan.empty:
        words = [f"{count(len(plan.unchanged), 'sandbox')} unchanged"] if plan.unchanged else []
        words += list(_count_held(plan))
        kept = "; ".join(filter(None, (", ".join(words) or "there are no sandboxes", doubt)))
        head = f"No changes: stack {plan.stack} is as it should be ({kept})."
        return "\n".join([head, *_render_held(plan), *_render_lifetimes(plan), *_render_unreduced(plan), ""])
    lines = [paint(f"Stack {plan.stack}", "bold", color=color), ""]
    folded = list(fold_alike(plan.changes))
    width = max((len(name) for name, _, _ in folded if len(name) <= _WIDEST_NAME), default=0)
    for name, number, change in folded:
        lines += _render_change(change, name.ljust(width), number > 1, color=color)
    lines += [*_render_held(plan), *_render_omitted(plan), "", f"Plan: {summarize_plan(plan)}."]
    told = (*_render_lifetimes(plan), *_render_unreduced(plan), *_render_limits(plan), *_render_unread(plan))
    return "\n".join([*lines, *told, ""])


def render_remarks(plan: Plan) -> Iterator[str]:
    """What else there is to say than what changes."""
    yield from (*_render_held(plan), *_render_omitted(plan), *_render_unreduced(plan))
    yield from (*_render_limits(plan), *_render_unread(plan))


def summarize_plan(plan: Plan, *, done: bool = False) -> str:
    """`2 to create, 1 to replace, 7 unchanged`, sandboxes only where there are any, else all objects.

    Where all of it is `done`: `2 created, 1 replaced, 7 unchanged`.
    """
    changes = [change for change in plan.changes if change.kind == "sandbox"] or list(plan.changes)
    counted: Counter[str] = Counter(change.action for change in changes)
    words = [
        f"{counted[action]} {words.done if done else words.to}" for action, words in ACTIONS.items() if counted[action]
    ]
    if others := len(plan.changes) - len(changes):
        words.append(f"{count(others, 'other object')}")
    if plan.unchanged:
        words.append(f"{len(plan.unchanged)} unchanged")
    return ", ".join((*words, *_count_held(plan)))


def _count_held(plan: Plan) -> Iterator[str]:
    if stopped := sum(not held.expired for held in plan.held):
        yield f"{stopped} stopped on purpose"
    if expired := sum(held.expired for held in plan.held):
        yield f"{expired} expired"


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as plain JSON values; `schemas/plan.schema.json` describes them."""
    return {
        "format_version": FORMAT_VERSION,
        "stack": plan.stack,
        "empty": plan.empty,
        "changes": [change_document(change) for change in plan.changes],
        "unchanged": list(plan.unchanged),
        "unread": list(plan.unread),
        "unreduced": list(plan.unreduced),
        "unlimited": {limit: list(names) for limit, names in plan.unlimited.items()},
        "watched": list(plan.watched),
        "settings": [
            {"limit": found.limit, "value": found.value, "sandboxes": list(found.sandboxes)} for found in plan.settings
        ],
        "held": [
            {
                "name": h.name,
                "state": h.state,
                "user": h.user,
                "since": utc(h.since),
                "changes": h.changes,
                "expired": h.expired,
            }
            for h in plan.held
        ],
        "lifetimes": [
            {
                "name": one.name,
                "expires_at": None if one.ends is None else utc(one.ends),
                "expired": one.left is not None and one.left <= 0,
                "idle_timeout": one.idle_timeout,
                "on_expire": one.on_expire,
            }
            for one in plan.lifetimes
        ],
        "busy": plan.busy,
        "in_flight": list(plan.in_flight),
        "omitted": [
            {"action": left.action, "kind": left.kind, "name": left.name, "reason": left.reason}
            for left in plan.omitted
        ],
        "steps": [
            {"id": step.id, "action": type(step).__name__, "subject": step.subject, "needs": list(step.needs)}
            for step in plan.steps
        ],
    }


def _render_change(change: Change, name: str, several: bool, *, color: bool) -> Iterator[str]:
    words = ACTIONS[change.action]
    head = f"{words.symbol:>5} {change.kind:<8} {name}"
    yield f"{paint(head, words.color, color=color)}  {quiet(explain(change))}".rstrip()
    for difference in change.differences:
        yield f"{'':9}{render_difference(difference, color=color)}"
    for note in (*change.notes, *describe_loss(change, several)):
        yield f"{'':9}{paint(f'({quiet(note)})', 'dim', color=color)}"


def describe_loss(change: Change, several: bool) -> Iterator[str]:
    """What goes with its containers, and what is in its volumes, in bytes."""
    if change.lost_bytes is not None:
        whose = ("they have", "containers") if several else ("it has", "container")
        lost = f"{size(change.lost_bytes)}{' in all' if several else ''}"
        yield f"what {whose[0]} written outside of volumes goes with the old {whose[1]}: {lost}"
    if change.volume_bytes is not None:
        yield f"in {'it' if change.kind == 'volume' else _own(change)}: {size(change.volume_bytes)}"


def _own(change: Change) -> str:
    return "that volume" if len(change.volumes) == 1 else "those volumes"


def explain(change: Change) -> str:
    """What will happen to it and why, where its sign does not say enough."""
    verb = ACTIONS[change.action].will
    if change.cause == "drifted" and change.action in ("update", "rename"):
        verb = "was changed behind nexusctl's back"
    return ": ".join(word for word in (verb, change.reason) if word)


def _render_held(plan: Plan) -> Iterator[str]:
    if plan.held:
        # Few stacks have any.
        from nexusctl.render.plan.held import render_held  # noqa: PLC0415 - deferred: start-up time

        yield from render_held(plan.held)


def _render_lifetimes(plan: Plan) -> Iterator[str]:
    if plan.lifetimes:
        # As above.
        from nexusctl.render.plan.lifetimes import render_lifetimes  # noqa: PLC0415 - deferred: start-up time

        yield from render_lifetimes(plan.lifetimes)


def _render_omitted(plan: Plan) -> Iterator[str]:
    if plan.omitted:
        yield ""
        yield "Not in this plan, so these stay as they are:"
    for left in plan.omitted:
        yield f"{'':5} {left.kind:<8} {quiet(left.name)} ({ACTIONS[left.action].to}): {quiet(left.reason)}"


def _render_unreduced(plan: Plan) -> Iterator[str]:
    if plan.unreduced:
        keep = "keeps" if len(plan.unreduced) == 1 else "keep"
        who = f"{count(len(plan.unreduced), 'sandbox')} of an older version {keep}"
        yield f"{who} all default capabilities until replaced: {', '.join(plan.unreduced)}."


def _render_limits(plan: Plan) -> Iterator[str]:
    if plan.unlimited or plan.watched or plan.settings:
        # A plan that makes nothing has nothing to say of it.
        from nexusctl.render.plan.limits import render_limits  # noqa: PLC0415 - deferred: start-up time

        yield from render_limits(plan)


def _render_unread(plan: Plan) -> Iterator[str]:
    """Where something changes in a sandbox that has secrets."""
    if plan.unread and any(map(_takes_secrets, plan.steps)):
        yield f"{count(len(plan.unread), 'secret')} will be read at apply: {', '.join(plan.unread)}."


def _takes_secrets(step: Step) -> bool:
    # A plan that changes nothing does without the steps.
    from nexusctl.model.plan.step import CreateContainer, StartContainer, UpdateContainer  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.model.secret import list_uses  # noqa: PLC0415 - deferred: start-up time

    if not isinstance(step, CreateContainer | StartContainer | UpdateContainer):
        return False
    return any(True for _ in list_uses(step.sandbox.env, step.sandbox.secrets))


def render_difference(difference: Difference, *, color: bool) -> str:
    """One field, from how it is to how it will be."""
    symbol = "+" if difference.before is None else "-" if difference.after is None else "~"
    before, after = (_render_value(difference.field, v) for v in (difference.before, difference.after))
    arrow = {"+": after, "-": before, "~": f"{before} -> {after}"}[symbol]
    suffix = {"replace": "  # forces the replacement", "record": "", "in_place": ""}[difference.effect]
    if difference.cause == "drifted":
        suffix = "  # drifted"
    return f"{paint(symbol, _SIGNS[symbol], color=color)} {_render_field(difference.field)}: {arrow}{suffix}"


def _render_field(field: str) -> str:
    """One line, also for a file that has a line break in its name."""
    return quiet(field).replace("\n", "\\n")


def _render_value(field: str, value: Any) -> str:
    if field in ("resources.memory", "resources.storage") and isinstance(value, int):
        return size(value)
    text = json.dumps(value, ensure_ascii=False)
    return quiet(text if len(text) <= 100 else f"{text[:97]}...")


def change_document(change: Change) -> dict[str, Any]:
    """One change as plain JSON values."""
    return {
        "action": change.action,
        "kind": change.kind,
        "name": change.name,
        "cause": change.cause,
        "reason": change.reason,
        "differences": [difference_document(difference) for difference in change.differences],
        "notes": list(change.notes),
        "moved_from": change.moved_from or None,
        "lost_bytes": change.lost_bytes,
        "volume_bytes": change.volume_bytes,
        "subnet": change.subnet or None,
    }


def difference_document(difference: Difference) -> dict[str, Any]:
    """One difference as plain JSON values."""
    return {
        "field": difference.field,
        "before": difference.before,
        "after": difference.after,
        "cause": difference.cause,
        "effect": difference.effect,
    }
