"""Plan -> events. A step starts the moment its own needs are done; a failure skips only what depends on it."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from nexusctl.engine.base import Engine
from nexusctl.errors import (
    Diagnostic,
    EngineError,
    EngineUnreachable,
    LockLost,
    NexusError,
    Note,
    NotFound,
    SourceChanged,
    is_out_of_space,
)
from nexusctl.model.plan.event import Done, Event, Failed, Finished, Progress, Skipped, Started, Warned
from nexusctl.model.plan.plan import BootstrapImage, DeriveImage, Plan, PullImage, Step
from nexusctl.model.plan.step import AwaitExit, AwaitHealthy, ReplaceContainer, UpdateContainer
from nexusctl.model.plan.step_id import kind_of
from nexusctl.model.secret import Reveal, withhold
from nexusctl.run.interrupt import Interrupt
from nexusctl.run.perform_step import Ledger, perform
from nexusctl.run.waits import Interrupted

WORKERS = 8
"""Steps that change something at once; more does not make an engine faster. Waits do not count."""

LOOKS = (0.0, 0.1, 0.3)
"""Seconds before each look for a container whose step failed: its programs end before the engine calls it gone."""


def execute(
    plan: Plan, engine: Engine, interrupt: Interrupt, reveal: Reveal = withhold, *, workers: int = WORKERS
) -> Iterator[Event]:
    """Carry out `plan`, yielding events as they happen, `Finished` last; `reveal` gives the values of secrets.

    After `interrupt` no step starts; running ones come to their end, waits are cut short.
    A bug in a step is raised when the running steps have ended.
    """
    run = _Run(plan, engine, interrupt, reveal, workers)
    try:
        yield from run.events()
    finally:
        run.join()


class _Run:
    """One execution: which steps wait, which run, what they made. Only `events` runs in the caller's thread."""

    def __init__(self, plan: Plan, engine: Engine, interrupt: Interrupt, reveal: Reveal, workers: int) -> None:
        self._plan = plan
        self._engine = engine
        self._interrupt = interrupt
        self._reveal = reveal
        self._ledger = Ledger()
        self._epoch = time.monotonic()
        self._events: queue.SimpleQueue[Event | BaseException] = queue.SimpleQueue()
        present = {step.id for step in plan.steps}
        self._missing = {step.id: {need for need in step.needs if need in present} for step in plan.steps}
        self._dependents: dict[str, list[Step]] = {}
        for step in plan.steps:
            for need in sorted(self._missing[step.id]):
                self._dependents.setdefault(need, []).append(step)
        self._ready: deque[Step] = deque()
        self._free = workers
        self._threads: dict[str, threading.Thread] = {}
        self._settled: set[str] = set()
        self._waived: set[tuple[str, str]] = set()
        self._failed = False

    def events(self) -> Iterator[Event]:
        self._launch([step for step in self._plan.steps if not self._missing[step.id]])
        while self._threads:
            event = self._events.get()
            if isinstance(event, BaseException):
                raise event
            yield event
            if isinstance(event, Done):
                self._finish(event.step)
            elif isinstance(event, Failed):
                yield from self._abandon(event)
        yield from self._left_over()
        outcome = "failed" if self._failed else "interrupted" if self._interrupt.requested else "done"
        yield Finished(outcome=outcome, at=self._now())  # type: ignore[arg-type]

    def join(self) -> None:
        """Wait for the end of what changes something; nothing more is begun."""
        for thread in self._threads.values():
            if not thread.daemon:
                thread.join()

    def _now(self) -> float:
        return time.monotonic() - self._epoch

    def _launch(self, steps: Sequence[Step]) -> None:
        """Begin waits at once, anything else as soon as a worker is free: what goes on with a sandbox comes first.

        One that is begun serves, and frees others, sooner than if all were made before the first was started.
        """
        for step in steps:
            if _is_wait(step):
                self._begin(step)
        self._ready.extendleft(step for step in reversed(steps) if not _is_wait(step))
        self._fill()

    def _fill(self) -> None:
        while self._ready and self._free:
            self._free -= 1
            self._begin(self._ready.popleft())

    def _begin(self, step: Step) -> None:
        if self._interrupt.requested and not _is_settling(step):
            return
        # Nothing is lost when a wait ends with the process.
        thread = threading.Thread(target=self._work, args=(step,), name=step.id, daemon=_is_wait(step))
        self._threads[step.id] = thread
        thread.start()

    def _work(self, step: Step) -> None:
        begin = self._now()
        self._events.put(Started(step=step, at=begin))
        try:
            report, warn = self._reporter(step), self._warner(step)
            if not _is_wait(step):
                self._engine.check_lock(self._plan.stack)
            perform(self._plan.stack, step, self._engine, self._ledger, report, warn, self._interrupt, self._reveal)
            found = self._ledger.find_container(step)
            self._events.put(Done(step=step, at=self._now(), took=self._now() - begin, container_id=found))
        except Interrupted:
            # What was not waited for any longer may yet come.
            self._fail(step, Diagnostic(f"{step.subject}: not waited for any longer", severity="warning"), unknown=True)
        except LockLost as error:
            # What is to be done now is for a new plan to say.
            self._interrupt.request()
            self._fail(step, error.diagnostics[0])
        except NexusError as error:
            if self._interrupt.requested and _is_image(step):
                self._fail(step, Diagnostic(f"{step.subject}: its making was ended", severity="warning"))
                return
            problem = self._explain_loss(step, error) or _diagnose(step, error, self._users(step))
            outrun = isinstance(error, SourceChanged)
            self._fail(step, problem, unknown=isinstance(error, EngineUnreachable), outrun=outrun)
        except BaseException as bug:
            # Few applies meet one.
            import traceback  # noqa: PLC0415 - deferred: start-up time

            bug.add_note("".join(traceback.format_exception(bug)))
            self._events.put(bug)

    def _explain_loss(self, step: Step, error: NexusError) -> Diagnostic | None:
        """Where its container went away under a step, what failed of that is of no interest."""
        subject = self._ledger.find_subject(step)
        # A replacement that fails takes the new one away itself.
        if not subject or isinstance(step, ReplaceContainer) or isinstance(error, EngineUnreachable):
            return None
        if not self._is_gone(subject):
            return None
        return Diagnostic(
            f"{step.subject}: somebody removed its container while nexusctl worked on it",
            hint="see who does that; the next apply makes it anew",
            sandbox=step.subject,
            notes=(Note(f"what failed of it: {error}"),),
        )

    def _is_gone(self, container_id: str) -> bool:
        for pause in LOOKS:
            time.sleep(pause)
            try:
                state = self._engine.condition(container_id).state
            except EngineError as error:
                return isinstance(error, NotFound)
            if state != "running":
                return state == "removing"
        return False

    def _users(self, step: Step) -> list[str]:
        """The sandboxes that an image is for."""
        if kind_of(step.id) != "image":
            return []
        followers = self._dependents.get(step.id, ())
        return [user for follower in followers for user in self._users(follower) or [follower.subject]]

    def _fail(self, step: Step, problem: Diagnostic, *, unknown: bool = False, outrun: bool = False) -> None:
        self._events.put(Failed(step=step, at=self._now(), problem=problem, unknown=unknown, outrun=outrun))

    def _reporter(self, step: Step) -> Callable[[str], None]:
        def report(phrase: str) -> None:
            doing, _, detail = phrase.partition("\n")
            self._events.put(Progress(step=step, doing=doing, detail=detail, at=self._now()))

        return report

    def _warner(self, step: Step) -> Callable[[Diagnostic], None]:
        return lambda problem: self._events.put(Warned(step=step, problem=problem, at=self._now()))

    def _settle(self, step: Step) -> None:
        del self._threads[step.id]
        self._settled.add(step.id)
        self._free += not _is_wait(step)

    def _finish(self, step: Step) -> None:
        self._settle(step)
        freed = []
        for dependent in self._dependents.get(step.id, ()):
            self._missing[dependent.id].discard(step.id)
            if not self._missing[dependent.id] and dependent.id not in self._settled:
                freed.append(dependent)
        self._launch(freed)

    def _abandon(self, event: Failed) -> Iterator[Event]:
        """Skip everything that needs the failed step, however indirectly."""
        self._settle(event.step)
        self._failed = self._failed or event.problem.severity == "error"
        self._fill()
        reason = f"{event.step.subject} failed" if event.problem.severity == "error" else "interrupted"
        lost = deque([event.step])
        while lost:
            need = lost.popleft()
            for step in self._dependents.get(need.id, ()):
                if step.id in self._settled:
                    continue
                if need.id in step.dispensable and not self._interrupt.requested:
                    yield from self._do_without(step, need)
                    continue
                self._settled.add(step.id)
                yield Skipped(step=step, at=self._now(), reason=reason)
                lost.append(step)

    def _do_without(self, step: Step, need: Step) -> Iterator[Event]:
        """Go on with `step`, of which one of its needs has failed that it can do without."""
        missing = self._missing[step.id]
        missing.discard(need.id)
        if (step.id, need.subject) not in self._waived:
            self._waived.add((step.id, need.subject))
            summary = f"{step.subject} goes on without {need.subject}, which failed and is not required"
            problem = Diagnostic(summary, severity="warning", sandbox=step.subject)
            yield Warned(step=step, problem=problem, at=self._now())
        if not missing:
            self._launch([step])

    def _left_over(self) -> Iterator[Event]:
        for step in self._plan.steps:
            if step.id not in self._settled:
                yield Skipped(step=step, at=self._now(), reason="interrupted")


def _is_settling(step: Step) -> bool:
    """Whether it is but a look at what was started, which takes no time once somebody wants to stop."""
    return isinstance(step, AwaitHealthy) and step.sandbox.health is None and not step.required


def _is_wait(step: Step) -> bool:
    """Whether it changes nothing, so that any number of its kind may run at once."""
    return isinstance(step, AwaitHealthy | AwaitExit)


def _is_image(step: Step) -> bool:
    """Whether it makes an image, which is ended at once and leaves nothing."""
    return isinstance(step, PullImage | BootstrapImage | DeriveImage)


def _diagnose(step: Step, error: NexusError, users: list[str]) -> Diagnostic:
    """The error's first diagnostic, with the names of the sandboxes that it concerns where its own words lack them."""
    problem = error.diagnostics[0]
    # What is written inside of a sandbox may lie on another disk.
    if isinstance(error, EngineError) and is_out_of_space(error) and not isinstance(step, UpdateContainer):
        hint = problem.hint or "`nexusctl destroy` and `nexusctl prune` make space"
        problem = replace(problem, summary=f"the engine's disk is full: {problem.summary}", hint=hint)
    subject = ", ".join(users) or step.subject
    # Most runs fail of nothing.
    import re  # noqa: PLC0415 - deferred: start-up time

    # A sandbox `net` is not named by what is said of its network.
    if re.search(rf"(?<![A-Za-z0-9-]){re.escape(subject)}(?![A-Za-z0-9-])", problem.summary):
        return problem
    return replace(problem, summary=f"{subject}: {problem.summary}", sandbox=subject)
