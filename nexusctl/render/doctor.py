"""The doctor's findings, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from nexusctl.engine.docker.host.checks import Check
from nexusctl.render.format import FORMAT_VERSION


def render_checks(checks: Iterable[Check]) -> str:
    lines = []
    for check in checks:
        lines.append(f"{check.status:<9}{check.name:<12}{check.finding}")
        if check.advice:
            lines.append(f"{'':<21}-> {check.advice}")
    return "\n".join(lines)


def render_summary(checks: Iterable[Check]) -> str:
    found = [check.status for check in checks]
    problems, warnings = found.count("problem"), found.count("warning")
    if not problems and not warnings:
        return f"all {len(found)} checks are fine"
    return f"{len(found)} checks: {_count(problems, 'problem')}, {_count(warnings, 'warning')}"


def render_checks_json(checks: Iterable[Check]) -> dict[str, Any]:
    found = list(checks)
    return {
        "format_version": FORMAT_VERSION,
        "healthy": all(check.status != "problem" for check in found),
        "checks": [asdict(check) for check in found],
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
