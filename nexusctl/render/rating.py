"""A rating, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nexusctl.rating.points import BENCHMARK
from nexusctl.rating.rate import Judged, RatedPoint, Rating
from nexusctl.rating.verdict import Status, Verdict
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.text_style import listing, paint, quiet

_COLORS: dict[Status, str] = {"pass": "green", "warn": "yellow", "info": "cyan", "not_applicable": "dim"}
_WORDS: dict[Status, str] = {"pass": "pass", "warn": "warn", "info": "info", "not_applicable": "-"}
_SHOWN = 5
"""Sandboxes, and findings, that a point names; the rest is a number."""

_INDENT = " " * 14


def render_rating(rating: Rating, *, color: bool) -> str:
    """A line a point; below one that does not pass what was found, where, and what to type."""
    lines = [f"{BENCHMARK}, in the numbers that docker-bench-security has too."]
    if rating.engine_rows:
        lines += ["", f"Engine {quiet(rating.engine)}", *_lines(rating.engine_rows, color)]
    if rating.absence:
        advice = [f"  -> {quiet(rating.advice)}"] if rating.advice else []
        lines += ["", f"No engine: {quiet(rating.absence)}", *advice]
    if rating.stack_rows:
        lines += ["", f"Stack {rating.stack}", *_lines(rating.stack_rows, color)]
    return "\n".join(lines)


def render_counts(rating: Rating) -> str:
    """How many points came out how; they are not added up to anything."""
    found = _count(rating)
    return f"{found['pass']} pass, {found['warn']} warn, {found['info']} info, {found['not_applicable']} do not apply"


def rating_document(rating: Rating) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "benchmark": BENCHMARK,
        "engine": rating.engine or None,
        "absence": rating.absence or None,
        "stack": rating.stack or None,
        "counts": _count(rating),
        "points": [
            {"number": row.number, "title": row.title, "status": row.status, "about": about, **_verdicts(row)}
            for about, rows in (("engine", rating.engine_rows), ("stack", rating.stack_rows))
            for row in rows
        ],
    }


def _count(rating: Rating) -> dict[str, int]:
    found = [row.status for row in rating.rows]
    return {status: found.count(status) for status in _COLORS}


def _verdicts(row: RatedPoint) -> dict[str, Any]:
    return {"verdicts": [_verdict(each) for each in row.verdicts]}


def _verdict(judged: Judged) -> dict[str, Any]:
    verdict, place = judged.verdict, judged.place
    return {
        "status": verdict.status,
        "finding": verdict.finding,
        "advice": verdict.advice,
        **({"sandbox": judged.name} if judged.name else {}),
        **({"file": place.file, "line": place.line, "column": place.column} if place else {}),
    }


def _lines(rows: Sequence[RatedPoint], color: bool) -> Iterator[str]:
    for row in rows:
        status = paint(_WORDS[row.status].ljust(4), _COLORS[row.status], color=color)
        yield f"  {status}  {row.number.ljust(6)}{row.title}"
        yield from _findings(row)


def _findings(row: RatedPoint) -> Iterator[str]:
    """What was found of those with the gravest status; what passes needs no words."""
    if row.status == "pass":
        return
    found: dict[Verdict, list[str]] = {}
    for judged in row.verdicts:
        if judged.verdict.status == row.status:
            found.setdefault(judged.verdict, []).append(_where(judged))
    for verdict, where in list(found.items())[:_SHOWN]:
        names = listing([name for name in where if name], _SHOWN)
        yield f"{_INDENT}{': '.join(part for part in (names, quiet(verdict.finding)) if part)}"
    if len(found) > _SHOWN:
        yield f"{_INDENT}and {len(found) - _SHOWN} more; `--json` has all"
    for advice in dict.fromkeys(verdict.advice for verdict in found if verdict.advice):
        yield f"{_INDENT}-> {quiet(advice)}"


def _where(judged: Judged) -> str:
    place = judged.place
    return f"{judged.name} ({place.file}:{place.line})" if place and judged.name else judged.name
