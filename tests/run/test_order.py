"""In which order steps get a worker that all could come next."""

from __future__ import annotations

from nexusctl.model.plan.event import Done
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.run.executor import execute
from nexusctl.run.interrupt import Interrupt
from tests.plan.worlds import IMAGE, new_engine, plan_for


def is_wait(event: Done) -> bool:
    """Waits need no worker."""
    return event.step.id.endswith(":ready")


def test_a_sandbox_that_was_made_is_started_before_the_next_is_made() -> None:
    stack = Stack(name="three", sandboxes={n: Sandbox(name=n, group=n, image=IMAGE, networks=()) for n in "abc"})
    engine = new_engine()
    events = execute(plan_for(engine, stack), engine, Interrupt(), workers=1)
    done = [event.step.id.split(":")[1:] for event in events if isinstance(event, Done) and not is_wait(event)]
    assert done == [["a", "create"], ["a", "start"], ["b", "create"], ["b", "start"], ["c", "create"], ["c", "start"]]
