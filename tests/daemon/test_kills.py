"""An engine that dies and comes back; `make daemon-kills` kills one twenty times, `make executions` more than that."""

from __future__ import annotations

import os
import shutil
import signal

import pytest

from nexusctl.engine.docker.host.machine_facts import DAEMON_PATH, read_listener
from nexusctl.engine.docker.objects.lock import hold
from nexusctl.engine.docker.objects.networks_and_volumes import create_volume
from nexusctl.errors import Conflict, LockHeld
from nexusctl.model.observed.lock_holder import LockHolder
from nexusctl.model.stack import Volume
from tests.daemon import execution_kills
from tests.daemon.kills import far, play, start
from tests.daemon.test_engine_daemon import Second, second

__all__ = ["second"]

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="starting a daemon takes root"),
    pytest.mark.skipif(not shutil.which("dockerd", path=DAEMON_PATH), reason="dockerd is not installed"),
]


def test_an_apply_whose_engine_is_killed_says_one_thing_and_the_next_converges() -> None:
    assert [kill.problem for kill in play(2, lambda _: None)] == ["", ""]


def test_whatever_is_killed_an_execution_has_its_end_and_its_log() -> None:
    kills = execution_kills.play(5, lambda _: None)
    assert [kill.problem for kill in kills] == [""] * 5
    assert {kill.victim for kill in kills} == {"follower", "watcher", "server", "sandbox", "engine"}


def test_an_engine_that_was_killed_still_tells_whose_a_lock_and_a_volume_are(second: Second) -> None:
    start(second)
    wire = far(second)
    dev = LockHolder(stack="shop", owner="0123456789abcdef", user="dev", host="elsewhere", pid=42)
    ops = LockHolder(stack="shop", owner="fedcba9876543210", user="ops", host="elsewhere", pid=43)
    with hold(wire, "shop", dev, timeout=0, report=print):
        create_volume(wire, "shop", Volume(name="data"), "shop_data")
        os.kill(read_listener(str(second.socket)), signal.SIGKILL)
        start(second)
        with (
            pytest.raises(LockHeld, match=r"dev@elsewhere \(pid 42"),
            hold(wire, "shop", ops, timeout=0, report=print),
        ):
            pass
        create_volume(wire, "shop", Volume(name="data"), "shop_data")
        with pytest.raises(Conflict, match="shop"):
            create_volume(wire, "other", Volume(name="data"), "shop_data")
