"""What a watch has done after an edit, in a line for each kind of thing. Values to text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nexusctl.model.plan.plan import Plan
from nexusctl.model.values.frozen import dataclass
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.text_style import duration

MOST_NAMED = 3
"""Files that are named; more are counted."""

_UPLOADS = "uploads."


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What a watch has done in all its time, in `seconds`; `left` says that not all is in step."""

    seconds: float
    applied: int
    failed: int
    sent: int
    removed: int
    left: bool


def is_brief(plan: Plan) -> bool:
    """Whether it does nothing but to bring files to live sandboxes, of which one line says enough."""
    return not plan.empty and all(
        change.kind == "sandbox"
        and change.action == "update"
        and change.differences
        and all(difference.field.startswith(_UPLOADS) for difference in change.differences)
        for change in plan.changes
    )


def count_files(plan: Plan) -> tuple[int, int]:
    """How many `plan` sends to live sandboxes, and how many it removes there."""
    files = [difference.after is None for change in plan.changes for difference in change.differences
             if change.action == "update" and difference.field.startswith(_UPLOADS)]  # fmt: skip
    return len(files) - sum(files), sum(files)


def describe_batch(plan: Plan, seconds: float) -> list[str]:
    """A line for each set of files, with the sandboxes that have got it."""
    groups: dict[str, list[str]] = {}
    for change in plan.changes:
        sent = [d.field.removeprefix(_UPLOADS) for d in change.differences if d.after is not None]
        gone = [d.field.removeprefix(_UPLOADS) for d in change.differences if d.after is None]
        words = [f"{_name(paths)} {done}" for paths, done in ((sent, "sent"), (gone, "removed")) if paths]
        groups.setdefault(", ".join(words), []).append(change.name)
    return [f"{', '.join(names)}: {words} ({duration(seconds)})" for words, names in groups.items()]


def _name(paths: Sequence[str]) -> str:
    return ", ".join(paths) if len(paths) <= MOST_NAMED else f"{len(paths):,} files"


def describe_sum(found: Sum) -> str:
    """The last word of a watch."""
    words = [
        f"{found.applied:,} {'change' if found.applied == 1 else 'changes'} applied",
        *([f"{found.failed:,} not"] if found.failed else []),
        f"{found.sent:,} {'file' if found.sent == 1 else 'files'} sent",
        f"{found.removed:,} removed",
    ]
    left = " Not all is in step: `nexusctl plan` shows what is left." if found.left else ""
    return f"Watched for {duration(found.seconds)}: {', '.join(words)}.{left}"


def sum_document(found: Sum) -> dict[str, Any]:
    """The same as plain JSON values."""
    return {
        "format_version": FORMAT_VERSION,
        "event": "watched",
        "seconds": round(found.seconds, 3),
        "applied": found.applied,
        "failed": found.failed,
        "sent": found.sent,
        "removed": found.removed,
        "in_step": not found.left,
    }
