"""The table of points, asked of what is there."""

from __future__ import annotations

from collections.abc import Iterable

from nexusctl.errors import Location
from nexusctl.model.values.frozen import dataclass
from nexusctl.rating.facts import EngineReport, SandboxFacts
from nexusctl.rating.points import ENGINE_POINTS, SANDBOX_POINTS, Point
from nexusctl.rating.verdict import Status, Verdict

_GRAVITY: tuple[Status, ...] = ("warn", "info", "pass", "not_applicable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A verdict on a sandbox, with the place of what it is about; on an engine `name` is empty."""

    verdict: Verdict
    name: str = ""
    place: Location | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedPoint:
    """One point, with every verdict on it; `status` is the gravest of theirs."""

    number: str
    title: str
    status: Status
    verdicts: tuple[Judged, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """The rows of an engine and of a stack, each with its name, empty where there is none.

    `absence` says why there is no engine, and `advice` what to do about it.
    """

    engine: str = ""
    engine_rows: tuple[RatedPoint, ...] = ()
    absence: str = ""
    advice: str = ""
    stack: str = ""
    stack_rows: tuple[RatedPoint, ...] = ()

    @property
    def rows(self) -> tuple[RatedPoint, ...]:
        return (*self.engine_rows, *self.stack_rows)


def rate_engine(engine: EngineReport) -> tuple[RatedPoint, ...]:
    """Every point that is about engines, in the order of the numbers."""
    return tuple(
        RatedPoint(number=point.number, title=point.title, status=verdict.status, verdicts=(Judged(verdict=verdict),))
        for point in ENGINE_POINTS
        for verdict in (point.judge(engine),)
    )


def rate_sandboxes(found: Iterable[SandboxFacts]) -> tuple[RatedPoint, ...]:
    """Every point that is about sandboxes, in the order of the numbers; none where there is no sandbox."""
    sandboxes = tuple(found)
    return tuple(_rate(point, sandboxes) for point in SANDBOX_POINTS) if sandboxes else ()


def _rate(point: Point[SandboxFacts], sandboxes: tuple[SandboxFacts, ...]) -> RatedPoint:
    verdicts = tuple(_judge(point, each) for each in sandboxes)
    status = min((each.verdict.status for each in verdicts), key=_GRAVITY.index)
    return RatedPoint(number=point.number, title=point.title, status=status, verdicts=verdicts)


def _judge(point: Point[SandboxFacts], facts: SandboxFacts) -> Judged:
    verdict = point.judge(facts)
    field = verdict.field
    fields = (field, field.partition(".")[0], "")
    place = next((facts.places[name] for name in fields if name in facts.places), None)
    return Judged(verdict=verdict, name=facts.sandbox.name, place=place)
