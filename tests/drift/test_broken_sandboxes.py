"""Sandboxes that do all they can so that a look inside never ends, or fills the memory of whoever looks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from nexusctl.api import inspection, planning
from nexusctl.engine.docker.client.answer import Answer
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec import end_processes as processes
from nexusctl.engine.docker.exec import exec as commands
from nexusctl.engine.docker.exec.exec import run
from nexusctl.engine.docker.executions import start as start_execution
from nexusctl.engine.docker.files import digest_uploads as survey
from nexusctl.engine.docker.observe import look_inside as interior
from nexusctl.errors import StepError
from nexusctl.model.observed.execution import Order
from nexusctl.plan.commands.names import Choice
from nexusctl.run import startup_script as startup
from tests.clean_up import kill_containers
from tests.drift.scene import Scene, findings, lay_out
from tests.load import allow

pytestmark = pytest.mark.engine

STACK = """
name: NAME
sandboxes:
  sound: &box
    image: IMAGE
    command: [sleep, infinity]
    uploads: [{source: ./src, target: /srv/app}]
  sleepy: *box
  shellless: *box
  chatty: *box
  sparse: *box
  crowded: *box
  strange: *box
  stopped: *box
"""

MEMORY = 2 * 1024**3
"""Bytes of address space; an interpreter with eight threads takes a third of that."""

LEFT = 8 * 1024**2
"""Bytes that a look may read of a sandbox which offers gigabytes, with what its tools and archives say of the rest."""


ADDED = {("sandbox crowded", "uploads./srv/app/0"), ("sandbox stopped", "uploads./srv/app/0")}


def replace_tool(path: str, script: str) -> str:
    return f"rm -f {path}; printf '#!/bin/bash\\n{script}\\n' >{path}; chmod 755 {path}"


@pytest.fixture
def scene(wire: Wire, base_image: str, tmp_path: Path) -> Iterator[Scene]:
    lay_out(tmp_path, {"src/a": "a\n", "src/b": "b\n"})
    (tmp_path / "nexus.yaml").write_text(
        STACK.replace("NAME", f"broken-{uuid4().hex[:8]}").replace("IMAGE", base_image)
    )
    made = Scene(wire, tmp_path / "nexus.yaml")
    try:
        yield made
    finally:
        kill_containers(wire, made.stack.name)
        made.destroy()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "LOOK_TIMEOUT", 10.0)
    monkeypatch.setattr(interior, "MANAGER_TIMEOUT", 10.0)
    monkeypatch.setattr(processes, "PATIENCE", allow(2))
    monkeypatch.setattr(survey, "BESIDE_BYTES", 4 * 1024**2)


def count_bytes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    sizes: list[int] = []
    take = Answer._take

    def note(answer: Answer, read: object, size: int) -> bytes:
        data = take(answer, read, size)  # type: ignore[arg-type]
        sizes.append(len(data))
        return data

    monkeypatch.setattr(Answer, "_take", note)
    return sizes


@pytest.mark.usefixtures("impatient")
def test_each_is_looked_at_within_limits_and_the_others_as_usual(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.apply()
    scene.inside("sleepy", f"echo changed >/srv/app/a; {replace_tool('/usr/bin/sha256sum', 'sleep 1001')}")
    scene.inside("chatty", f"echo changed >/srv/app/a; {replace_tool('/usr/bin/stat', 'yes')}")
    scene.inside("sparse", "truncate -s 40G /srv/app/a")
    scene.inside("crowded", "truncate -s 40G /srv/app/0; echo changed >/srv/app/b")
    scene.inside("strange", f"echo changed >/srv/app/b; {replace_tool('/usr/bin/stat', 'echo zz 0 0 /srv/app/a')}")
    scene.inside("stopped", "truncate -s 40G /srv/app/0; echo changed >/srv/app/b")
    scene.post("stopped", "stop", t=0)
    scene.inside("shellless", f"echo changed >/srv/app/a; {replace_tool('/bin/sh', 'sleep 1001')}")
    sizes = count_bytes(monkeypatch)
    drift = scene.drift()
    found = {(thing, field) for thing, _, field, _ in findings(drift)}
    expected = dict.fromkeys(("sleepy", "chatty", "sparse", "shellless"), "a")
    expected |= dict.fromkeys(("crowded", "strange", "stopped"), "b")
    assert found - ADDED == {(f"sandbox {name}", f"uploads./srv/app/{file}") for name, file in expected.items()}
    assert "not read in time" not in {d.before for change in drift.changes for d in change.differences}
    assert sum(sizes) < commands.KEPT_OUTPUT + 8 * LEFT
    # What was asked in vain does not stay, where anything inside can end it.
    assert "sha256sum" not in scene.inside("sleepy", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")


def test_a_look_at_one_waits_for_no_other(scene: Scene) -> None:
    scene.file.write_text(scene.file.read_text().partition("  shellless")[0])
    scene.apply()
    scene.inside("sleepy", replace_tool("/usr/bin/sha256sum", "touch /tmp/asked; sleep 1001"))
    scene.inside("sound", "echo changed >/srv/app/a")
    (change,) = inspection.find_drift(scene.engine, scene.stack, ("sound",)).changes
    assert [difference.field for difference in change.differences] == ["uploads./srv/app/a"]
    for choice in (Choice(targets=("sound",)), Choice(excludes=("sleepy",))):
        found = planning.prepare(scene.engine, scene.stack, deep=True, choice=choice).plan
        changed = [(change.name, difference.field) for change in found.changes for difference in change.differences]
        assert ("sound", "uploads./srv/app/a") in changed
    assert scene.inside("sleepy", "ls /tmp") == ""


def run_limited(scene: Scene, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    limits = ["prlimit", f"--as={MEMORY}", sys.executable, "-m", "nexusctl"]
    command = [*limits, *arguments]
    return subprocess.run(command, cwd=scene.file.parent, capture_output=True, text=True, timeout=timeout, check=False)


def test_huge_files_take_no_memory(scene: Scene) -> None:
    (scene.file.parent / "nexus.yaml").write_text(
        scene.file.read_text().partition("  sleepy")[0].replace("target: /srv/app", "target: /srv/app, owner: games")
    )
    scene.apply()
    scene.inside("sound", "truncate -s 3G /etc/passwd; truncate -s 3G /srv/app/a")
    seen = run_limited(scene, "drift")
    assert seen.returncode == 2, seen.stderr
    assert "/srv/app/a: " in seen.stdout
    assert "/srv/app/b: " not in seen.stdout
    (scene.file.parent / "src" / "b").write_text("new\n")
    refused = run_limited(scene, "apply", "--yes")
    assert refused.returncode == 1, refused.stderr
    assert "/etc/passwd in the sandbox holds more than 2 MiB" in refused.stdout + refused.stderr
    taken = run_limited(scene, "import", "stack", scene.stack.name, "--file", "taken.yaml")
    assert taken.returncode in (0, 1), taken.stderr
    assert "/srv/app/a in the sandbox holds more than 256 MiB" in " ".join((taken.stdout + taken.stderr).split())


def test_a_startup_that_never_ends_is_ended_and_named(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = allow(9)
    monkeypatch.setattr(startup, "COMMAND_TIMEOUT", limit)
    text = scene.file.read_text().partition("  sleepy")[0]
    scene.file.write_text(text + "    startup: 'echo begun; sleep infinity'\n")
    (failed,) = scene.try_apply()
    assert f"sound: its `startup` did not end within {limit / 60:g} min" in failed.problem.summary
    assert failed.problem.output == ("begun",)


def test_ctrl_c_ends_a_look_that_waits(scene: Scene) -> None:
    scene.file.write_text(scene.file.read_text().partition("  sleepy")[0])
    scene.apply()
    scene.inside("sound", replace_tool("/usr/bin/sha256sum", "touch /tmp/asked; sleep 1001"))
    command = [sys.executable, "-m", "nexusctl", "drift"]
    with subprocess.Popen(command, cwd=scene.file.parent, stderr=subprocess.PIPE, text=True) as process:
        wait_for(scene, "/tmp/asked")
        os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=240)
    assert (process.returncode, said.strip()) == (130, "Interrupted.")


def by_bash(scene: Scene, script: str) -> str:
    return run(scene.wire, scene.id("sound"), ("bash", "-ec", script), user="0:0").output


def lay_out_shellless(scene: Scene) -> None:
    """One whose shell never answers; `bash` does."""
    scene.file.write_text(scene.file.read_text().partition("  sleepy")[0])
    scene.apply()
    scene.inside("sound", replace_tool("/bin/sh", "touch /tmp/asked; sleep 1001"))


@pytest.mark.usefixtures("impatient")
def test_a_command_in_a_sandbox_whose_shell_hangs_ends_with_its_time(scene: Scene) -> None:
    lay_out_shellless(scene)
    done = run_limited(scene, "exec", "--timeout", "2s", "sound", "true", timeout=allow(40))
    assert (done.returncode, "Traceback" in done.stderr) == (124, False), done.stderr


@pytest.mark.usefixtures("impatient")
def test_a_stop_waits_for_a_shell_that_hangs_no_longer_than_for_what_it_asks_to_end(scene: Scene) -> None:
    lay_out_shellless(scene)
    run_limited(scene, "exec", "--timeout", "1s", "sound", "true", timeout=60)
    begin = time.monotonic()
    scene.engine.stop_container(scene.id("sound"), 5)
    # These five seconds for what runs there, ten for ending what was asked in vain, and one for its own program.
    assert time.monotonic() - begin < allow(40)


@pytest.mark.usefixtures("impatient")
def test_whoever_asks_twice_leaves_a_command_at_once_also_where_nothing_ends_it(scene: Scene) -> None:
    lay_out_shellless(scene)
    command = [sys.executable, "-m", "nexusctl", "exec", "sound", "true"]
    with subprocess.Popen(command, cwd=scene.file.parent, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while "yes" not in by_bash(scene, "[ -e /tmp/asked ] && echo yes || echo no"):
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGINT)
        time.sleep(1)
        begin = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, b"")
    # The end of the interpreter is in it, on a busy machine.
    assert time.monotonic() - begin < allow(8)


@pytest.mark.usefixtures("impatient")
def test_what_was_not_begun_in_time_is_told_so_and_does_not_begin_later(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out_shellless(scene)
    monkeypatch.setattr(start_execution, "PATIENCE", allow(3))
    order = Order(id=f"exec_{'0' * 28}", argv=("true",), command=("true",), who="somebody", started=time.time())
    with pytest.raises(StepError) as refused:
        start_execution.start(scene.wire, scene.id("sound"), order)
    assert "does not say that it keeps a log" in str(refused.value)
    # What it has begun would go on for a quarter of an hour.
    look = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' ' '"
    deadline = time.monotonic() + 240
    while order.id in (found := by_bash(scene, look)):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def wait_for(scene: Scene, path: str) -> None:
    for _ in range(2400):
        if "yes" in scene.inside("sound", f"[ -e {path} ] && echo yes || echo no"):
            return
        time.sleep(0.1)
    raise AssertionError(f"{path} never came")
