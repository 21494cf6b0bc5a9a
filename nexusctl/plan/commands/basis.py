"""What a plan rests on."""

from __future__ import annotations

from nexusctl.errors import Diagnostic
from nexusctl.model.observed.live import LiveState
from nexusctl.model.plan.plan import Plan
from nexusctl.model.stack import Stack
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.commands.names import Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """All that a plan was made of, and the plan. `warnings` are of what keeps nothing in it from being done."""

    stack: Stack
    live: LiveState
    choice: Choice
    plan: Plan
    warnings: tuple[Diagnostic, ...] = ()
