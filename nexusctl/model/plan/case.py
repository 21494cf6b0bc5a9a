"""One line of a test report: a sandbox, a task or a command, and how it went."""

from __future__ import annotations

from typing import Literal

from nexusctl.model.values.frozen import dataclass

CaseKind = Literal["service", "task", "command", "stack"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """It went well where neither `failure` nor `skipped` says why not. `output` are the last lines of what failed."""

    name: str
    kind: CaseKind
    seconds: float = 0.0
    failure: str = ""
    skipped: str = ""
    output: tuple[str, ...] = ()
