"""What a plan says of limits that are missing, are only watched, or come from outside of the stack's files."""

from __future__ import annotations

from collections.abc import Iterator

from nexusctl.model.plan.plan import Plan
from nexusctl.render.text_style import count, quiet, size

_SIZES = ("memory", "storage")
_SHOWN = 5
_EXAMPLES = {"memory": "2g", "pids": "1024"}
_WORDS = {"memory": "memory", "pids": "processes"}


def render_limits(plan: Plan) -> Iterator[str]:
    """A line for each that there is something to say of, however many sandboxes it is about."""
    for setting in plan.settings:
        shown = show_limit(setting.limit, setting.value)
        yield f"From your settings: {setting.limit} {shown} for {_name(setting.sandboxes)}."
    for limit, names in plan.unlimited.items():
        verb = "has" if len(names) == 1 else "have"
        remedy = f"`defaults: {{resources: {{{limit}: {_EXAMPLES[limit]}}}}}` sets one"
        yield f"{count(len(names), 'sandbox')} {verb} no limit on {_WORDS[limit]}: {_name(names)}; {remedy}."
    if plan.watched:
        yield f"This engine cannot limit storage: that of {_name(plan.watched)} is only watched, by `nexusctl status`."


def show_limit(limit: str, value: float) -> str:
    """Such as `2 GiB` or `0.5`."""
    return size(int(value)) if limit in _SIZES else f"{value:g}"


def _name(names: tuple[str, ...]) -> str:
    shown = [quiet(name) for name in names[:_SHOWN]]
    return ", ".join([*shown, *([f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else [])])
