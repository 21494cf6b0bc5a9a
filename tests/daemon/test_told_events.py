"""What an engine remembers, on one beside which nobody else does anything: it forgets the oldest of all."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import time
from collections.abc import Iterator

import pytest

from nexusctl.api.overview.events import SKEW
from nexusctl.engine.docker.host.machine_facts import DAEMON_PATH
from tests.daemon.kills import second_engine
from tests.daemon.yard import Yard

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="starting a daemon takes root"),
    pytest.mark.skipif(not shutil.which("dockerd", path=DAEMON_PATH), reason="dockerd is not installed"),
]

STACK = """
name: yard
sandboxes:
  web: {image: IMAGE, command: "trap 'exit 0' TERM; while :; do sleep 0.1; done"}
  stubborn: {image: IMAGE, command: "trap '' TERM; while :; do sleep 0.1; done", stop_grace_period: 1s}
"""


@pytest.fixture
def yard() -> Iterator[Yard]:
    with second_engine() as (place, image):
        yield Yard(place, image)


def test_who_has_ended_a_sandbox_is_told_also_after_it_was_started_again(yard: Yard) -> None:
    yard.write(STACK)
    yard.succeed("apply", "--yes")

    def tell(name: str) -> list[str]:
        return [line.split(" ", 2)[2] for line in yard.succeed("events", name).splitlines()][1:]

    by = f"on purpose, by {getpass.getuser()}"
    yard.succeed("stop", "web", "stubborn")
    yard.succeed("start", "web")
    yard.docker("kill", "yard_web")
    told = ["started", f"died with exit code 0, {by}", f"stopped, {by}", "started", "died with exit code 137"]
    assert tell("web") == told
    overdue = f"stopped by a kill, as it had not ended in its time, {by}"
    assert tell("stubborn") == ["started", f"died with exit code 137, {by}", overdue]
    # What somebody wants is written down in whole seconds, so ends have to be as far from each other to be told apart.
    time.sleep(SKEW + 1)
    yard.succeed("start", "web")
    yard.succeed("pause", "web")
    yard.docker("unpause", "yard_web")
    yard.succeed("kill", "web")
    yard.docker("rm", "yard_web")
    told += ["started", f"paused, {by}", "resumed", f"died with exit code 137, {by}", "removed"]
    assert tell("web") == told
    found = [json.loads(line) for line in yard.succeed("events", "--json").splitlines()]
    assert [one["killed"] for one in found if (one["event"], one["sandbox"]) == ("stopped", "stubborn")] == [True]
