"""Plans as many sandboxes as its argument says and prints what that took, as JSON."""

from __future__ import annotations

import json
import resource
import sys
import time

from nexusctl.engine.memory import MemoryEngine
from nexusctl.model.stack import Dependency, Sandbox, Stack
from nexusctl.plan.plan import make_plan

GROUP = 500
"""Sandboxes on one network: a bridge holds a thousand."""


def main() -> None:
    count = int(sys.argv[1])
    stack = _build_stack(count)
    engine = MemoryEngine(images={"base:1"})
    began = time.perf_counter()
    plan = make_plan(stack, engine.observe(stack), engine.in_place)
    seconds = time.perf_counter() - began
    assert len([step for step in plan.steps if step.id.endswith(":create")]) > count
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "mebibytes": peak}))


def _build_stack(count: int) -> Stack:
    """Each but the first of its network depends on the one before."""
    names = [f"s-{number}" for number in range(count)]
    return Stack(
        name="large",
        sandboxes={
            name: Sandbox(
                name=name,
                group=name,
                image="base:1",
                env={"NUMBER": str(number)},
                networks=(f"net-{number // GROUP}",),
                depends_on=(Dependency(sandbox=names[number - 1], condition="started"),) if number % GROUP else (),
            )
            for number, name in enumerate(names)
        },
    )


if __name__ == "__main__":
    main()
