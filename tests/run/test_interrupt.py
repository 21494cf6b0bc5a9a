"""What a first Ctrl-C does to steps that wait for their turn."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

from nexusctl.model.plan.event import Done, Event, Finished, Skipped, Started
from nexusctl.model.plan.step import CreateContainer
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.run.executor import WORKERS, execute
from nexusctl.run.interrupt import Interrupt, interruptible
from tests.plan.worlds import IMAGE, new_engine, plan_for

MANY = 3 * WORKERS


def hold_creations(release: threading.Event) -> Callable[[str, str], None]:
    def interfere(method: str, _: str) -> None:
        if method == "create_container":
            assert release.wait(10)

    return interfere


def interrupted_apply() -> list[Event]:
    """The events of an apply of many, stopped while the first of them are being made."""
    names = [f"one-{number}" for number in range(MANY)]
    stack = Stack(name="many", sandboxes={name: Sandbox(name=name, group=name, image=IMAGE) for name in names})
    engine, interrupt, release = new_engine(), Interrupt(), threading.Event()
    plan = plan_for(engine, stack)
    engine.interfere = hold_creations(release)
    events = []
    for event in execute(plan, engine, interrupt):
        events.append(event)
        if isinstance(event, Started) and isinstance(event.step, CreateContainer):
            interrupt.request()
            release.set()
    return events


def is_creation(step: str) -> bool:
    return step.startswith("sandbox:") and step.endswith(":create")


def test_steps_that_wait_for_their_turn_do_not_start_after_an_interrupt() -> None:
    events = interrupted_apply()
    begun = {event.step.id for event in events if isinstance(event, Started)}
    made = [step for step in begun if is_creation(step)]
    assert 1 <= len(made) <= WORKERS
    assert begun == {event.step.id for event in events if isinstance(event, Done)}
    skipped = {event.step.id for event in events if isinstance(event, Skipped)}
    assert not begun & skipped
    assert len([step for step in skipped if is_creation(step)]) == MANY - len(made)
    assert isinstance(events[-1], Finished)
    assert events[-1].outcome == "interrupted"


def test_the_first_signal_asks_for_a_stop_and_each_further_one_is_told_apart() -> None:
    former, told = signal.getsignal(signal.SIGUSR1), []
    with interruptible((signal.SIGUSR1,), told.append, lambda: told.append(0)) as interrupt:
        assert not interrupt.requested
        signal.raise_signal(signal.SIGUSR1)
        assert interrupt.requested
        assert told == [0]
        signal.raise_signal(signal.SIGUSR1)
        signal.raise_signal(signal.SIGUSR1)

    assert told == [0, signal.SIGUSR1, signal.SIGUSR1]
    assert signal.getsignal(signal.SIGUSR1) is former


def test_in_another_thread_no_signal_asks_for_a_stop_and_none_is_taken_from_the_main_one() -> None:
    former, seen = signal.getsignal(signal.SIGUSR1), []

    def work() -> None:
        with interruptible((signal.SIGUSR1,), again=lambda _: None) as interrupt:
            seen.append((signal.getsignal(signal.SIGUSR1), interrupt.requested))

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert seen == [(former, False)]
