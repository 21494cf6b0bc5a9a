"""An engine in memory with a stack on it: planning, carrying out in any order and only in part, and the state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from nexusctl.engine.memory import MemoryEngine
from nexusctl.errors import EngineError, EngineUnreachable, NexusError
from nexusctl.model.observed.live import LiveNetwork, LiveVolume
from nexusctl.model.plan.plan import Plan, Step
from nexusctl.model.secret import Secret, SecretFile, SecretUse
from nexusctl.model.stack import Stack
from nexusctl.plan.plan import make_plan
from nexusctl.run.interrupt import Interrupt
from nexusctl.run.perform_step import Ledger, perform
from tests.plan.drafts import FOREIGN_NETWORK, FOREIGN_VOLUME
from tests.plan.variants import BASE, OTHER, REMOTE

IMAGE = BASE
"""One that is there."""


class Crash(BaseException):
    """The end of nexusctl in the middle of what it does."""


E = TypeVar("E", bound=MemoryEngine)


def new_engine() -> MemoryEngine:
    """One that has one image, can fetch all but one, and has a network and a volume of somebody else."""
    return furnish(MemoryEngine(images=(BASE,), unreachable=(REMOTE,)))


def furnish(engine: E) -> E:
    """`engine` with what somebody else has there."""
    network = LiveNetwork(id=engine.new_id(FOREIGN_NETWORK), name=FOREIGN_NETWORK, network="")
    engine.networks[network.id] = ("", network)
    engine.image_volumes[OTHER] = ("/brought",)
    engine.volumes[FOREIGN_VOLUME] = ("", LiveVolume(name=FOREIGN_VOLUME, volume=""))
    return engine


def plan_for(engine: MemoryEngine, stack: Stack, *, deep: bool = False, remove_volumes: bool = False) -> Plan:
    live = engine.observe(stack, deep=deep)
    if deep:
        live = engine.look_inside(live)
    return make_plan(stack, live, engine.in_place, remove_volumes=remove_volumes)


def apply(engine: MemoryEngine, stack: Stack, *, deep: bool = False) -> None:
    carry_out(engine, plan_for(engine, stack, deep=deep))


def carry_out(engine: MemoryEngine, plan: Plan, picks: Iterable[int] = ()) -> None:
    """All steps, each time the one of those that could come next that a number of `picks` says, else the first."""
    run = Run(engine, plan, picks)
    while run.ready():
        run.step()


@dataclass(frozen=True)
class Mishap:
    """What goes wrong in the step after `done` others, at its call or part of a call number `at`."""

    done: int
    at: int
    kind: str


MISHAPS: dict[str, type[BaseException]] = {"crash": Crash, "error": EngineError, "silence": EngineUnreachable}


def go_wrong(engine: MemoryEngine, plan: Plan, picks: Iterable[int], mishaps: Iterable[Mishap]) -> None:
    """Carry `plan` out until it ends or is crashed; a step that fails takes those with it that need it.

    Steps run beside each other, so one that is cut off does not keep the next from being begun and cut off as well.
    """
    run = Run(engine, plan, picks)
    for mishap in mishaps:
        for _ in range(mishap.done):
            run.step()
        run.step(_trap(engine, mishap))
        engine.interfere = engine.cut = _nothing
    if not any(mishap.kind == "crash" for mishap in mishaps):
        while run.ready():
            run.step()


def _nothing(method: str, subject: str) -> None:
    """Nothing goes wrong."""


def _trap(engine: MemoryEngine, mishap: Mishap) -> Any:
    count = 0

    def trip(method: str, subject: str) -> None:
        nonlocal count
        count += 1
        if count == mishap.at + 1:
            if mishap.kind == "crash":
                raise Crash
            if mishap.kind == "error":
                raise EngineError(f"{method} {subject}", status=500)
            raise EngineUnreachable(f"{method} {subject}")

    def arm() -> None:
        engine.interfere = engine.cut = trip

    return arm


class Run:
    """Steps carried out one after the other, in an order that their needs allow."""

    def __init__(self, engine: MemoryEngine, plan: Plan, picks: Iterable[int] = ()) -> None:
        self._engine = engine
        self._stack = plan.stack
        self._left = {step.id: step for step in plan.steps}
        self._lost: set[str] = set()
        self._ledger = Ledger()
        self._picks = iter(picks)

    def ready(self) -> list[Step]:
        return [step for step in self._left.values() if not self._left.keys() & set(step.needs)]

    def step(self, arm: Any = None) -> None:
        """Carry out one of the steps that are ready; `arm` is called right before, to make it fail."""
        ready = self.ready()
        if not ready:
            return
        step = ready[next(self._picks, 0) % len(ready)]
        del self._left[step.id]
        if arm:
            arm()
        try:
            perform(self._stack, step, self._engine, self._ledger, _ignore, _ignore, Interrupt(), reveal)
        except (NexusError, Crash):
            if not arm:
                raise
            self._lose(step.id)

    def _lose(self, step_id: str) -> None:
        lost = {step_id}
        for step in list(self._left.values()):
            if lost & set(step.needs):
                lost.add(step.id)
                del self._left[step.id]


def reveal(use: SecretUse | SecretFile) -> Secret:
    return Secret(use.digest.encode())


def _ignore(_: object) -> None:
    """Nobody watches."""
