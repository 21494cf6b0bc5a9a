"""Events as JSON documents, as plain lines, and as a board with a row for each object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nexusctl.errors import Diagnostic
from nexusctl.model.plan.event import Done, Event, Failed, Finished, Progress, Skipped, Started, Warned
from nexusctl.model.plan.plan import Plan, Step
from nexusctl.model.plan.step_id import kind_of
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.text_style import duration, listing, paint, quiet

MOST_NAMES = 12
"""Names of one outcome in the last word of a run; the plan tells the rest."""


def event_document(event: Event) -> dict[str, Any]:
    """One event as plain JSON values, one line of `apply --json`."""
    document: dict[str, Any] = {"format_version": FORMAT_VERSION, "event": type(event).__name__.lower()}
    if isinstance(event, Finished):
        return {**document, "outcome": event.outcome, "at": round(event.at, 3)}
    document |= {"step": event.step.id, "subject": event.step.subject, "at": round(event.at, 3)}
    match event:
        case Progress():
            document["doing"] = f"{event.doing}: {event.detail}" if event.detail else event.doing
        case Done():
            document["took"] = round(event.took, 3)
        case Failed():
            document |= {"unknown": event.unknown, "problem": diagnostic_document(event.problem)}
        case Warned():
            document["problem"] = diagnostic_document(event.problem)
        case Skipped():
            document["reason"] = event.reason
    return document


def diagnostic_document(problem: Diagnostic) -> dict[str, Any]:
    """A problem as plain JSON values, without the fields that say nothing."""
    return {key: value for key, value in asdict(problem).items() if value}


@dataclass(slots=True)
class Row:
    """What one object is going through; `left` counts its unsettled steps, `running` those at work.

    `problem` is what failed first.
    """

    kind: str
    name: str
    left: int
    running: int = 0
    doing: str = ""
    detail: str = ""
    began: float | None = None
    ended: float | None = None
    outcome: str = ""
    problem: str = ""
    unknown: bool = False


class Board:
    """Keeps a row for each object of a plan up to date while events come in."""

    def __init__(self, plan: Plan) -> None:
        self.rows: dict[tuple[str, str], Row] = {}
        for step in plan.steps:
            row = self.rows.setdefault(_key(step), Row(kind=_key(step)[0], name=step.subject, left=0))
            row.left += 1

    def update(self, event: Event) -> str | None:
        """Work `event` in; returns a plain line where a reader of a log should see one."""
        if isinstance(event, Finished):
            return None
        row = self.rows[_key(event.step)]
        match event:
            case Started():
                row.began = event.at if row.began is None else row.began
                row.running += 1
            case Progress():
                changed = _shape(row.doing) != _shape(event.doing)
                row.doing, row.detail = event.doing, event.detail
                return f"{_title(row)}: {quiet(event.doing)}" if changed else None
            case Warned():
                return f"warning: {quiet(event.problem.summary)}"
            case Done():
                row.running = max(0, row.running - 1)
                return self._settle(row, event.at, "done")
            case Failed():
                row.running = max(0, row.running - 1)
                row.outcome = "failed" if event.problem.severity == "error" else "interrupted"
                row.unknown = row.unknown or event.unknown
                row.problem = row.problem or event.problem.summary.removeprefix(f"{row.name}: ")
                line = self._settle(row, event.at, row.outcome)
                return line and "\n".join([line, *_tell(row, event.problem)])
            case Skipped():
                return self._settle(row, event.at, f"skipped: {event.reason}")
        return None

    def _settle(self, row: Row, at: float, outcome: str) -> str | None:
        row.left = max(0, row.left - 1)
        first = not row.outcome
        if outcome != "done" and (first or outcome == row.outcome):
            row.outcome, row.ended = outcome, at
            return f"{_title(row)}: {outcome}" if first or outcome in ("failed", "interrupted") else None
        if row.left == 0 and not row.outcome:
            row.outcome, row.ended = "done", at
            return f"{_title(row)}: done ({duration(at - (row.began or 0.0))})"
        return None


def group_rows(rows: Iterable[Row]) -> dict[str, list[str]]:
    """What became of the objects of a run that ended early: their titles by outcome, without the empty ones."""
    found: dict[str, list[str]] = {word: [] for word in ("done", "failed", "unknown", "in part", "not started")}
    for row in rows:
        found[_outcome(row)].append(_title(row))
    return {word: titles for word, titles in found.items() if titles}


def render_groups(groups: Mapping[str, Sequence[str]]) -> str:
    """A line an outcome, with the names as far as a few of them go."""
    return "\n".join(f"  {word:<12} {listing(titles, MOST_NAMES)}" for word, titles in groups.items())


def _outcome(row: Row) -> str:
    if row.unknown:
        return "unknown"
    if row.outcome in ("done", "failed"):
        return row.outcome
    # An image that was not finished leaves nothing.
    return "not started" if row.began is None or row.kind == "image" else "in part"


def list_busy(rows: Iterable[Row], now: float) -> list[str]:
    """What is being worked on: each object with what is done to it, for how long, and what was said of that last."""
    busy = [row for row in rows if row.running > 0]
    return [f"{_title(row)} ({_describe(row)}, {duration(now - (row.began or 0.0))})" for row in busy]


def _describe(row: Row) -> str:
    if not row.running or not row.doing:
        return "waiting"
    return quiet(f"{row.doing}: {row.detail}" if row.detail else row.doing)


def render_row(row: Row, now: float, *, width: int, color: bool) -> str:
    """One row of the board, cut to `width` columns."""
    symbol, style = _mark(row)
    seconds = duration((row.ended or now) - row.began) if row.began is not None else ""
    text = quiet(": ".join(filter(None, [row.outcome, row.problem]))) or _describe(row)
    name = f"{row.name:<24}"
    room = max(8, width - len(name) - len(seconds) - 6)
    return f" {paint(symbol, style, color=color)} {name} {text[:room]:<{room}} {paint(seconds, 'dim', color=color)}"


def _tell(row: Row, problem: Diagnostic) -> list[str]:
    """What went wrong, for whoever watches: the run itself may go on for a while."""
    if problem.severity != "error":
        return []
    summary = problem.summary.removeprefix(f"{row.name}: ")
    return [f"    {quiet(line)}" for line in (summary, *problem.output)]


def _mark(row: Row) -> tuple[str, str]:
    if row.outcome == "done":
        return "+", "green"
    if row.outcome == "failed":
        return "x", "red"
    if row.outcome:
        return "-", "yellow"
    return ("*", "cyan") if row.began is not None else (".", "dim")


def _title(row: Row) -> str:
    return row.name if row.kind == "sandbox" else f"{row.kind} {row.name}"


def _key(step: Step) -> tuple[str, str]:
    return kind_of(step.id), step.subject


def _shape(text: str) -> str:
    return re.sub(r"[\d.]+", "#", text)
