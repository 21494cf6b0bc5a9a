"""What became of each sandbox of a run, from the events of its apply, and of its command."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from nexusctl.errors import Diagnostic
from nexusctl.model.plan.case import Case, CaseKind
from nexusctl.model.plan.event import AnyEvent, Done, Failed, Outcome, Planned, Skipped, Started
from nexusctl.model.plan.plan import Step
from nexusctl.model.plan.step_id import kind_of
from nexusctl.model.stack import Stack


class Cases:
    """Grows with the events of a change."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._begun: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._failed: dict[str, Diagnostic] = {}
        self._skipped: dict[str, str] = {}
        self._more: list[Case] = []

    def watch(self, events: Generator[AnyEvent, None, Outcome]) -> Generator[AnyEvent, None, Outcome]:
        """Pass `events` on, and learn from those that come before the next plan."""
        plans = 0
        with closing(events):
            while True:
                try:
                    event = next(events)
                except StopIteration as end:
                    outcome: Outcome = end.value
                    return outcome
                plans += isinstance(event, Planned)
                if plans == 1:
                    self._take(event)
                yield event

    def add(self, case: Case) -> None:
        self._more.append(case)

    def list(self) -> tuple[Case, ...]:
        """One for each declared sandbox, by name, then what was added."""
        return (*(self._describe(name) for name in sorted(self._stack.sandboxes)), *self._more)

    def _take(self, event: AnyEvent) -> None:
        match event:
            case Started(step=step, at=at) if _is_of_sandbox(step):
                self._begun.setdefault(step.subject, at)
            case Done(step=step, at=at) if _is_of_sandbox(step):
                self._ended[step.subject] = at
            case Failed(step=step, at=at, problem=problem) if _is_of_sandbox(step):
                self._ended[step.subject] = at
                self._failed.setdefault(step.subject, problem)
            case Skipped(step=step, reason=reason) if _is_of_sandbox(step):
                self._skipped.setdefault(step.subject, reason)

    def _describe(self, name: str) -> Case:
        kind: CaseKind = self._stack.sandboxes[name].kind
        begun = self._begun.get(name)
        seconds = 0.0 if begun is None else max(0.0, self._ended.get(name, begun) - begun)
        if problem := self._failed.get(name):
            return Case(name=name, kind=kind, seconds=seconds, failure=problem.summary, output=problem.output)
        skipped = self._skipped.get(name, "" if name in self._ended else "it was not begun")
        return Case(name=name, kind=kind, seconds=seconds, skipped=skipped)


def _is_of_sandbox(step: Step) -> bool:
    return kind_of(step.id) == "sandbox"
