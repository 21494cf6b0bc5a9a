"""Sandboxes that are asked for in one message cost little more than one `apply` of all of them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.mcp.client import Answer, Caller, nexusctl, plan_of, play

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("template_images")]

MANY = int(os.environ.get("DOOR_MANY", "6"))

DEARER = 1.2
"""By so much of the time of `apply`, where they are so many that one call more or less does not count."""


ROUNDS = 3
"""So often at most both are played: what else a machine does meanwhile makes either of them slow, seldom each time."""


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_many_in_one_message_cost_what_one_apply_does(folder: Path, transport: str, record_property: Any) -> None:
    asked, applied = [], []
    while not asked or (MANY >= 100 and min(asked) >= DEARER * min(applied) and len(asked) < ROUNDS):
        asked.append(_ask_for_many(folder, transport))
        assert plan_of(folder)["empty"]
        nexusctl(folder, "destroy", "--yes")
        begun = time.monotonic()
        nexusctl(folder, "apply", "--yes")
        applied.append(time.monotonic() - begun)
        nexusctl(folder, "destroy", "--yes")
        (folder / "nexus.yaml").unlink()
    took = [" and ".join(f"{seconds:.1f} s" for seconds in times) for times in (asked, applied)]
    record_property(
        "figure", f"{MANY} sandboxes in one message, {transport}: {took[0]}; `apply` of the same file {took[1]}"
    )
    assert MANY < 100 or min(asked) < DEARER * min(applied)


def _ask_for_many(folder: Path, transport: str) -> float:
    """Seconds until the last of them has its answer."""
    took = 0.0
    answers: dict[str, Answer] = {}

    async def scene(call: Caller) -> None:
        nonlocal took

        async def create(name: str) -> None:
            answers[name] = await call("sandbox_create", template="base", name=name)

        # An agent's client has read what there is before it makes anything.
        await call("sandbox_list")
        begun = time.monotonic()
        async with anyio.create_task_group() as group:
            for number in range(MANY):
                group.start_soon(create, f"many-{number}")
        took = time.monotonic() - begun

    play(folder, scene, transport=transport)
    assert [answer.text for answer in answers.values() if answer.is_error] == []
    assert {answer["status"] for answer in answers.values()} == {"running"}
    return took
