"""What becomes of a lock whose owner has died."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.objects.lock import process_birth
from nexusctl.errors import LockHeld
from tests.engine.workshop import Workshop

pytestmark = pytest.mark.engine

HOLDER = """
import os, sys, time
from nexusctl.engine.docker.engine import connect
from nexusctl.model.observed.lock_holder import LockHolder
holder = LockHolder(stack=sys.argv[1], owner="victim", user="dev", host=sys.argv[2], pid=os.getpid(), command="apply")
with connect().lock(sys.argv[1], holder, timeout=0, report=print):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def victim(shop: Workshop, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock and can be killed."""
    host = getattr(request, "param", platform.node())
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, shop.stack, host], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_dead_owner_on_this_machine_is_taken_over_with_a_notice(
    shop: Workshop, victim: subprocess.Popen[str]
) -> None:
    victim.kill()
    victim.wait()
    said: list[str] = []
    with shop.engine.lock(shop.stack, shop.holder("ops"), timeout=0, report=said.append):
        assert shop.observe().lock == shop.holder("ops")
    assert "took over" in said[0]
    assert f"dev@{platform.node()}" in said[0]


def test_a_killed_owner_that_nobody_waited_for_counts_as_dead(shop: Workshop, victim: subprocess.Popen[str]) -> None:
    victim.kill()
    os.waitid(os.P_PID, victim.pid, os.WEXITED | os.WNOWAIT)
    with shop.engine.lock(shop.stack, shop.holder("ops"), timeout=0, report=print):
        pass


def test_a_living_owner_is_never_taken_over(shop: Workshop, victim: subprocess.Popen[str]) -> None:
    with pytest.raises(LockHeld), shop.engine.lock(shop.stack, shop.holder("ops"), timeout=0.3, report=print):
        pass


@pytest.mark.parametrize("victim", ["elsewhere"], indirect=True)
def test_a_dead_owner_of_another_host_is_not_taken_over(shop: Workshop, victim: subprocess.Popen[str]) -> None:
    victim.kill()
    victim.wait()
    with pytest.raises(LockHeld), shop.engine.lock(shop.stack, shop.holder("ops"), timeout=0, report=print):
        pass


def test_many_heirs_of_a_dead_owner_hold_the_lock_one_at_a_time(shop: Workshop, victim: subprocess.Popen[str]) -> None:
    victim.kill()
    victim.wait()
    inside: list[str] = []
    most: list[int] = []

    def inherit(name: str) -> None:
        with shop.engine.lock(shop.stack, shop.holder(name), timeout=120, report=lambda _: None):
            inside.append(name)
            most.append(len(inside))
            inside.remove(name)

    threads = [threading.Thread(target=inherit, args=(f"heir-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert most == [1] * 8


def test_whoever_keeps_heirs_apart_for_good_is_not_waited_for(
    shop: Workshop, victim: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim.kill()
    victim.wait()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = tmp_path / "nexusctl-takeover.lock"
    path.touch(0o444)
    with subprocess.Popen(["flock", path, "sleep", "600"]) as anybody:
        try:
            while subprocess.run(["flock", "-n", path, "true"], check=False).returncode == 0:
                assert anybody.poll() is None
            with (
                pytest.raises(LockHeld, match=r"has died, and .*nexusctl-takeover.lock keeps it so") as refusal,
                shop.engine.lock(shop.stack, shop.holder("ops"), timeout=0, report=print),
            ):
                pass
        finally:
            subprocess.run(["pkill", "-P", str(anybody.pid)], check=True)
    assert f"`nexusctl unlock {shop.stack}`" in (refusal.value.diagnostics[0].hint or "")
    with shop.engine.lock(shop.stack, shop.holder("ops"), timeout=60, report=print):
        pass


def test_a_process_is_told_from_every_other(shop: Workshop, victim: subprocess.Popen[str]) -> None:
    own = process_birth(os.getpid())
    assert own == process_birth(os.getpid()) != process_birth(victim.pid) != ""
    victim.kill()
    victim.wait()
    assert process_birth(victim.pid) == ""
