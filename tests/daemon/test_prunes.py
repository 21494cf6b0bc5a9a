"""Others prune: nothing that the truth rests on goes with what `docker ... prune` takes."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.host.machine_facts import DAEMON_PATH
from nexusctl.engine.docker.objects.lock import hold
from nexusctl.errors import LockHeld
from nexusctl.model.observed.lock_holder import LockHolder
from tests.daemon.kills import far, second_engine
from tests.daemon.test_engine_daemon import Second
from tests.daemon.yard import Yard

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="starting a daemon takes root"),
    pytest.mark.skipif(not shutil.which("dockerd", path=DAEMON_PATH), reason="dockerd is not installed"),
]


@pytest.fixture(scope="module")
def engine() -> Iterator[tuple[Second, str]]:
    with second_engine() as found:
        yield found


@pytest.fixture
def yard(engine: tuple[Second, str]) -> Iterator[Yard]:
    made = Yard(*engine)
    # Without a container of it the image itself would go.
    keeper = made.docker("run", "-d", "--network", "none", made.image, "sleep", "infinity").strip()
    yield made
    made.nexusctl("destroy", "--yes", "--volumes")
    made.docker("rm", "-f", keeper)


def test_a_lock_outlives_every_prune(yard: Yard) -> None:
    wire = far(yard.place)
    dev = LockHolder(stack="shop", owner="0123456789abcdef", user="dev", host="elsewhere", pid=42)
    ops = LockHolder(stack="shop", owner="fedcba9876543210", user="ops", host="elsewhere", pid=43)
    with hold(wire, "shop", dev, timeout=0, report=print) as check:
        yard.prune()
        check()
        with pytest.raises(LockHeld, match="dev@elsewhere"), hold(wire, "shop", ops, timeout=0, report=print):
            pass


AMENDED = """
name: yard
sandboxes:
  api: {image: IMAGE, command: [sleep, infinity], resources: {memory: 64m}}
"""


def test_what_was_changed_in_place_is_known_after_every_prune(yard: Yard) -> None:
    yard.write(AMENDED)
    yard.succeed("apply", "--yes")
    yard.write(AMENDED.replace("64m", "65m"))
    yard.succeed("apply", "--yes")
    yard.prune()
    assert "No changes" in yard.succeed("plan", "--detailed-exitcode")
    yard.succeed("drift")


ADOPTED = """
name: yard
networks: {lan: {}}
volumes: {data: {}}
sandboxes:
  web: {image: IMAGE, command: [sleep, infinity], networks: [lan], volumes: ["data:/data"]}
"""


def test_what_was_taken_over_is_known_after_every_prune_and_destroyed(yard: Yard) -> None:
    yard.docker("network", "create", "yard_lan")
    yard.docker("volume", "create", "yard_data")
    yard.docker(
        *("run", "-d", "--name", "yard_web", "--network", "yard_lan", "-v", "yard_data:/data"),
        *(yard.image, "sleep", "infinity"),
    )
    yard.write(ADOPTED)
    yard.succeed("apply", "--adopt", "--yes")
    yard.prune()
    assert "No changes" in yard.succeed("plan", "--detailed-exitcode")
    assert "Nothing is left" in yard.succeed("destroy", "--yes", "--volumes")
    assert yard.docker("ps", "-aq", "--filter", "name=yard_web") == ""
    assert yard.docker("network", "ls", "-q", "--filter", "name=yard_lan") == ""
    assert yard.docker("volume", "ls", "-q") == ""


JOB = """
name: yard
sandboxes:
  job:
    kind: task
    run: once
    image: IMAGE
    networks: []
    command: [sh, -c, "echo ran >> /out/runs"]
    volumes: ["./out:/out"]
  web: {image: IMAGE, networks: [], command: [sleep, infinity], depends_on: {job: {condition: completed}}}
"""


def test_a_task_that_has_ended_does_not_run_again_after_every_prune(yard: Yard) -> None:
    (yard.folder / "out").mkdir(exist_ok=True)
    yard.write(JOB)
    yard.succeed("apply", "--yes")
    yard.prune()
    assert yard.docker("ps", "-aq", "--filter", "name=yard_job") == ""
    assert "No changes" in yard.succeed("plan", "--detailed-exitcode")
    yard.succeed("apply", "--yes")
    assert (yard.folder / "out" / "runs").read_text() == "ran\n"
    assert "its log went with its container" in yard.succeed("logs")
    yard.succeed("drift")
    assert "job      done" in yard.succeed("status")
    assert "Nothing is left" in yard.succeed("destroy", "--yes")


STORM = """
name: yard
sandboxes:
  job:
    kind: task
    run: once
    image: IMAGE
    networks: []
    command: [sh, -c, "echo ran >> /out/storm"]
    volumes: ["./out:/out"]
  web: {image: IMAGE, command: [sleep, infinity], env: {N: "0"}, depends_on: {job: {condition: completed}}}
  api: {image: IMAGE, command: [sleep, infinity], resources: {memory: 64m}}
"""


def test_what_was_stopped_on_purpose_stays_so_after_every_prune(yard: Yard) -> None:
    box = "{image: IMAGE, command: [sleep, infinity]"
    yard.write(f"name: yard\nsandboxes:\n  a: {box}}}\n  b: {box}}}\n  c: {box}, depends_on: [a]}}\n")
    yard.succeed("apply", "--yes")
    yard.succeed("stop", "a", "b")
    yard.prune()

    def names(*words: str) -> list[str]:
        return sorted(yard.docker("ps", "--filter", "name=yard_", "--format", "{{.Names}}", *words).split())

    assert names("-a") == ["yard_c"]
    said = yard.succeed("apply", "--yes")
    assert "sandbox  a  stopped on purpose by" in said
    assert "its container was removed since" in said
    assert "its container is gone: `nexusctl apply --start-stopped` makes a again" in said
    assert "No changes" in said
    assert "stopped by" in yard.succeed("status")
    for words in (["start", "a"], ["exec", "a", "true"], ["logs", "a"]):
        refused = yard.nexusctl(*words)
        assert refused.returncode == 1
        assert (
            "its container was removed since\nhelp: `nexusctl apply --start-stopped` makes it again" in refused.stderr
        )
    yard.write(f"name: yard\nsandboxes:\n  a: {box}}}\n  b: {box}}}\n  c: {box}, depends_on: [a], env: {{A: x}}}}\n")
    left = yard.succeed("apply", "--yes")
    assert "sandbox  c (to replace): it depends on a, which" in left
    # One of them alone, the other by name, and what was said of them goes.
    yard.succeed("apply", "--yes", "--start-stopped", "--target", "a")
    assert names() == ["yard_a", "yard_c"]
    assert "sandbox  b  stopped on purpose by" in yard.succeed("plan")
    yard.succeed("apply", "--yes", "--replace", "b")
    assert names() == ["yard_a", "yard_b", "yard_c"]
    yard.succeed("apply", "--yes")
    assert "hold" not in yard.docker("volume", "ls", "-q")
    yard.succeed("stop", "b")
    yard.prune()
    yard.succeed("destroy", "--yes")
    assert yard.docker("volume", "ls", "-q") == ""


def test_while_somebody_prunes_all_the_time_nothing_runs_twice_and_destroy_leaves_nothing(yard: Yard) -> None:
    """An apply may fail of what a prune takes from under it, and says so; the next one goes on from there."""
    (yard.folder / "out").mkdir(exist_ok=True)
    (yard.folder / "out" / "storm").unlink(missing_ok=True)
    over = threading.Event()
    failed = 0

    def storm() -> None:
        while not over.is_set():
            # One that meets another is refused.
            with contextlib.suppress(subprocess.CalledProcessError):
                yard.docker("system", "prune", "-af", "--volumes")
            # A machine that is slow has as much done between two as a quick one.
            over.wait(0.2 * 2**failed)

    pruner = threading.Thread(target=storm)
    pruner.start()
    try:
        for number in range(4):
            text = STORM.replace('"0"', f'"{number}"').replace("64m", f"{64 + number}m")
            yard.write(text)
            failed = 0
            while (done := yard.nexusctl("apply", "--yes")).returncode and failed < 7:
                assert done.returncode == 1, done.stderr
                assert "was taken away while nexusctl worked" not in done.stderr
                failed += 1
            assert done.returncode == 0, done.stdout + done.stderr
            planned = yard.nexusctl("plan", "--detailed-exitcode")
            assert planned.returncode == 0, planned.stdout + planned.stderr
        assert (yard.folder / "out" / "storm").read_text() == "ran\n"
        assert "Nothing is left" in yard.succeed("destroy", "--yes")
    finally:
        over.set()
        pruner.join()
    assert yard.docker("ps", "-aq", "--filter", "label=dev.nexusctl.stack=yard") == ""
    assert yard.docker("volume", "ls", "-q") == ""


SECRET = """
name: yard
sandboxes:
  api: {image: IMAGE, command: [sleep, infinity], secrets: [token]}
secrets: {token: {file: ./token}}
"""


def test_secrets_leave_the_memory_where_a_sandbox_was_removed_and_everything_pruned(yard: Yard) -> None:
    (yard.folder / "token").write_text("hunter2")
    yard.write(SECRET)
    yard.succeed("apply", "--yes")
    found = yard.docker("inspect", "-f", "{{(index .HostConfig.Mounts 0).Source}}", "yard_api").strip()
    assert Path(found).is_dir()
    yard.docker("rm", "-f", "yard_api")
    yard.prune()
    yard.succeed("destroy", "--yes")
    assert not Path(found).exists()
