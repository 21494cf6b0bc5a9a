"""What a change tells while it is made, its plan and the executor's work. `at` is in seconds since the steps began."""

from __future__ import annotations

from typing import Literal

from nexusctl.errors import Diagnostic
from nexusctl.model.observed.live import LiveState
from nexusctl.model.observed.published import Published
from nexusctl.model.output import OutputValue
from nexusctl.model.plan.plan import Plan, Step
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    step: Step
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`doing` is a short phrase for a person: pulling, installing, starting, waiting for health.

    `detail` is what a tool that does it said last, empty for nothing yet.
    """

    step: Step
    doing: str
    at: float
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """`container_id` is the container that the step was about, empty for none or one that is gone now."""

    step: Step
    at: float
    took: float
    container_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """`unknown` is True where the call got no answer, so that its effect is not known.

    `outrun` is True where a file was saved again that was planned with: the next plan has it.
    """

    step: Step
    at: float
    problem: Diagnostic
    unknown: bool = False
    outrun: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something came to pass in a step that goes on, and that a user has to know of."""

    step: Step
    at: float
    problem: Diagnostic


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    step: Step
    at: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    outcome: Literal["done", "failed", "interrupted"]
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """What hinders nothing and should be known all the same."""

    problems: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spared:
    """What the plan would write over and somebody has changed inside: left as it is, or told before it goes."""

    problems: tuple[Diagnostic, ...]
    left: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What will be done, before anybody is asked: the plan itself, or the way back from one that failed."""

    plan: Plan
    purpose: Literal["planned", "rollback"] = "planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """Whoever was asked does not want the plan; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The outputs of the stack, after all is done."""

    outputs: tuple[OutputValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Where ports are reached that have another number on this machine since they were started again."""

    ports: tuple[Published, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What bears the labels of a stack after it was destroyed."""

    live: LiveState


Outcome = Literal["done", "failed", "interrupted", "declined"]

Event = Started | Progress | Warned | Done | Failed | Skipped | Finished
"""Of steps."""

AnyEvent = Event | Noticed | Spared | Planned | Declined | Told | Reached | Left
"""Of a whole change."""
