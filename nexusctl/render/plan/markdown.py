"""A plan as Markdown for a pull request: what folds is folded, and nothing of it is read as more than text. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from typing import Any

from nexusctl.model.plan.actions import ACTIONS
from nexusctl.model.plan.plan import Change, Difference, Plan
from nexusctl.model.values.secret_detection import looks_secret, takes_secret, tells_secret
from nexusctl.render.plan.alike import fold_alike
from nexusctl.render.plan.plan import (
    describe_loss,
    explain,
    render_busy,
    render_difference,
    render_remarks,
    summarize_plan,
)
from nexusctl.render.text_style import quiet

MOST_BYTES = 60 * 1024
"""GitHub takes comments of 65,536 letters."""

MOST_FIELDS = 60
"""Of one change."""

_RESERVE = 200
"""Bytes for the last line, which counts what had no place."""

_HIDDEN = "[not shown]"


def render_markdown(plan: Plan) -> str:
    """At most `MOST_BYTES` in UTF-8. Values that look like secrets are not shown, whoever has written them."""
    head = "no changes" if plan.empty else summarize_plan(plan)
    made = [f"### Stack {_code(plan.stack)}: {head}\n"]
    left = MOST_BYTES - _RESERVE - _measure(made[0])
    missing = 0
    for block, short in _blocks(plan):
        fitting = next((text for text in (block, short) if _measure(text) <= left), None)
        if fitting is None:
            missing += 1
        else:
            made.append(fitting)
            left -= _measure(fitting)
    if missing:
        made.append(f"\n{missing} more had no place here; `nexusctl plan` shows all.\n")
    return "".join(made)


def _blocks(plan: Plan) -> Iterator[tuple[str, str]]:
    """Each part of the document, and a shorter one that stands for it."""
    if busy := "".join(render_busy(plan)).strip():
        yield f"\n{_fenced([busy])}", ""
    for name, number, change in fold_alike(plan.changes):
        head = f"{ACTIONS[change.action].symbol} {change.kind} {name}"
        title = f"{_code(head)} {_code(explain(change))}" if explain(change) else _code(head)
        lines = list(_describe(change, number > 1))
        yield (_folded(title, lines) if lines else f"\n{title}\n"), f"\n{title}\n"
    if remarks := [line for line in render_remarks(plan) if line]:
        yield _folded("Also", remarks), ""


def _describe(change: Change, several: bool) -> Iterator[str]:
    differences = change.differences[:MOST_FIELDS]
    for difference in differences:
        line = render_difference(_without_secrets(difference), color=False)
        # What changes has a colour of its own in such a block.
        yield f"!{line[1:]}" if line.startswith("~") else line
    if more := len(change.differences) - len(differences):
        yield f"... and {more} more fields"
    yield from (f"({quiet(note)})" for note in (*change.notes, *describe_loss(change, several)))


def _without_secrets(difference: Difference) -> Difference:
    name = difference.field.rpartition(".")[2]
    before, after = (_hide(name, value) for value in (difference.before, difference.after))
    if before == after == _HIDDEN:
        after = f"{_HIDDEN[:-1]}, changed]"
    return replace(difference, before=before, after=after)


def _hide(name: str, value: Any) -> Any:
    words = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    texts = [word for word in words if isinstance(word, str)]
    line = " ".join(texts)
    # What stands for a secret already says its name.
    known = line.startswith("[") and line.endswith("]")
    told = tells_secret(line) or takes_secret(line) or any(looks_secret(name, text) for text in texts)
    return _HIDDEN if told and not known else value


def _folded(title: str, lines: list[str]) -> str:
    return f"\n<details><summary>{title}</summary>\n\n{_fenced(lines)}</details>\n"


def _fenced(lines: list[str]) -> str:
    text = "\n".join(lines)
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"{fence}diff\n{text}\n{fence}\n"


def _code(text: str) -> str:
    """As code nobody is mentioned in it, and nothing is a link."""
    return f"<code>{escape(quiet(text)).replace(chr(10), ' ')}</code>"


def _measure(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
