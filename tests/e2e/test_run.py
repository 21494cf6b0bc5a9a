"""A stack for the time of one command: what it is told, its exit code, and that nothing is left, whatever ends it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.labels import STACK
from nexusctl.model.engine_names import lock_name
from tests import prestarted
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.engine

PATIENCE = 240
"""Seconds to wait for what has to come; only a hang meets it."""

IDLE = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
NEXUSCTL = [sys.executable, "-m", "nexusctl"]
KEPT = "NEXUS_SETTINGS"
"""Of the variables of ours; without it a reaper would start beside all other tests, and end what they look at."""
PLAIN = {key: value for key, value in os.environ.items() if key == KEPT or not key.startswith("NEXUS_")}
PLAIN["CI"] = "true"


def plain() -> dict[str, str]:
    """These, and the engine that the test at work is on."""
    return PLAIN | {key: os.environ[key] for key in ("DOCKER_HOST",) if key in os.environ}


class Bench:
    """A stack with one sandbox, run as CI systems do: without a terminal."""

    def __init__(self, folder: Path, stack: str, image: str, wire: Wire) -> None:
        self.folder, self.stack, self.image, self.wire = folder, stack, image, wire

    def box(self, **more: Any) -> dict[str, Any]:
        return {"image": self.image, "command": IDLE, **more}

    def task(self, command: str, **more: Any) -> dict[str, Any]:
        return {"image": self.image, "kind": "task", "command": command, **more}

    def write(self, *, outputs: dict[str, Any] | None = None, more: dict[str, Any] | None = None, **boxes: Any) -> None:
        document = {"name": self.stack, "sandboxes": boxes, "outputs": outputs or {}, **(more or {})}
        (self.folder / "nexus.yaml").write_text(json.dumps(document))

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*NEXUSCTL, *arguments], cwd=self.folder, env=plain(), text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        done = prestarted.run(
            [*NEXUSCTL, *arguments], cwd=self.folder, env=plain(), text=True, capture_output=True, timeout=PATIENCE
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout, done.stderr

    def left(self) -> list[str]:
        """All that the engine has of the stack, and of its locks, sorted: the engine lists networks in any order."""
        labels = {"filters": {"label": [f"{STACK}={self.stack}"]}}
        locks = {"filters": {"label": [f"{STACK}={self.stack}_run"]}}
        return sorted([
            *(entry["Names"][0] for entry in self.wire.get("/containers/json", {"all": True, **labels})),
            *(entry["Name"] for entry in self.wire.get("/networks", labels)),
            *(entry["Name"] for entry in self.wire.get("/volumes", labels)["Volumes"] or []),
            *(entry["Name"] for entry in self.wire.get("/volumes", locks)["Volumes"] or []),
        ])  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path, stack_name: str, base_image: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, base_image, wire)
    yield made
    for command in (["unlock", "--yes", stack_name], ["destroy", "--yes", "--volumes", "--stack", stack_name]):
        prestarted.run([*NEXUSCTL, *command], cwd=tmp_path, capture_output=True, check=False)


def wait_for(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether it runs; one that nobody has buried has no command line any more."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("ended", ["by itself", "by a signal"])
@pytest.mark.parametrize("leaves", ["at once", "while the command runs", "and its output, too"])
def test_whose_reader_has_gone_leaves_nothing(bench: Bench, leaves: str, ended: str) -> None:
    bench.write(box=bench.box())
    script = "touch begun; while [ ! -e over ]; do sleep 0.05; done; exit 7"
    words = ["run", "--", "sh", "-c", script]
    process = bench.begin(*words)
    assert process.stdout
    assert process.stderr
    if leaves == "at once":
        process.stderr.close()
    wait_for((bench.folder / "begun").exists)
    process.stderr.close()
    if leaves == "and its output, too":
        process.stdout.close()
    if ended == "by itself":
        (bench.folder / "over").touch()
    else:
        process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == (7 if ended == "by itself" else 128 + signal.SIGTERM)
    assert bench.left() == []


def test_the_command_has_the_outputs_its_own_stdout_and_the_last_word(bench: Bench) -> None:
    command = 'echo "$NEXUS_OUT_FIRST_URL $NEXUS_OUT_LIST $NEXUS_OUT_KEY $NEXUS_STACK"; exit 7'
    outputs = {
        "first-url": "${sandbox.box.endpoint}",
        "list": [1, "two"],
        "key": {"value": "${var.key}", "sensitive": True},
    }
    more = {"variables": {"key": {"default": "s3cret", "sensitive": True}}, "volumes": {"data": {}}}
    bench.write(outputs=outputs, more=more, box=bench.box(ports=[8080], volumes=["data:/data"]))
    out, err = bench.run("run", "--", "sh", "-c", command, code=7)
    url, rest = out.rstrip().split(" ", 1)
    assert url.startswith("http://127.0.0.1:")
    assert rest == f'[1, "two"] s3cret {bench.stack}'
    assert "Plan: 1 to create" in err
    assert "s3cret" not in err
    assert bench.left() == []


def test_inside_of_a_sandbox_it_is_told_the_same(bench: Bench) -> None:
    bench.write(outputs={"greeting": "hello"}, box=bench.box(hostname="inside"))
    script = 'echo "$NEXUS_OUT_GREETING from $(cat /etc/hostname)"; exit 3'
    out, _ = bench.run("run", "--in", "box", "sh", "-c", script, code=3)
    assert out == "hello from inside\n"
    assert bench.left() == []


def test_without_a_command_it_is_what_the_tasks_do(bench: Bench) -> None:
    bench.write(box=bench.box(), test=bench.task("echo fine", depends_on=["box"]))
    bench.run("run")
    bench.write(box=bench.box(), test=bench.task("echo wrong; exit 4", depends_on=["box"]))
    _, err = bench.run("run", code=1)
    assert "exited with code 4" in err or "exited with 4" in err
    assert "wrong" in err
    assert bench.left() == []


def test_a_stack_that_somebody_keeps_is_not_touched(bench: Bench) -> None:
    bench.write(box=bench.box())
    bench.run("apply", "--yes")
    before = bench.left()
    _, err = bench.run("run", "true", code=1)
    assert f"stack {bench.stack} is there already" in err
    assert bench.left() == before


def test_what_must_not_be_destroyed_is_not_made(bench: Bench) -> None:
    bench.write(box=bench.box(lifecycle={"prevent_destroy": True}))
    _, err = bench.run("run", "true", code=1)
    assert "`prevent_destroy` of box" in err
    assert bench.left() == []


@pytest.mark.parametrize("words", [["no-such-command"], ["/etc/passwd"]])
def test_a_command_that_cannot_be_run_is_told_as_shells_do(bench: Bench, words: list[str]) -> None:
    bench.write(box=bench.box())
    shell = subprocess.run(["sh", "-c", words[0]], capture_output=True, check=False).returncode
    _, err = bench.run("run", *words, code=shell)
    assert f"{words[0]} cannot be run" in err
    assert bench.left() == []


def test_a_failed_start_removes_what_was_made_and_its_log_comes_out(bench: Bench) -> None:
    health = {"command": ["true"]}
    bench.write(bad=bench.box(command="echo no good >&2; exit 5", health=health), good=bench.box())
    _, err = bench.run("run", "--artifacts", "out", "true", code=1)
    assert "no good" in err
    assert (bench.folder / "out" / "bad.log").read_text() == "no good\n"
    assert bench.left() == []


def test_on_request_a_failure_leaves_the_stack_for_a_look(bench: Bench) -> None:
    bench.write(box=bench.box())
    _, err = bench.run("run", "--keep-on-failure", "false", code=1)
    assert f"nexusctl destroy --stack {bench.stack} --volumes" in err
    assert any(name.endswith("_box") for name in bench.left())
    _, err = bench.run("run", "true", code=1)
    assert "is there already" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("phase", ["starting", "running", "inside"])
def test_a_cancelled_run_ends_its_command_and_leaves_nothing(bench: Bench, number: signal.Signals, phase: str) -> None:
    mark = bench.folder / "begun"
    child = f"trap 'echo cleaned > {mark}.end; exit 0' INT TERM; touch {mark}; while :; do sleep 0.1; done"
    arguments = ["sh", "-c", child]
    box = bench.box(volumes=[f"{bench.folder}:{bench.folder}"])
    if phase == "starting":
        box |= {"startup": f"touch {mark}; sleep 300"}
    elif phase == "inside":
        arguments = ["--in", "box", *arguments]
    bench.write(box=box)
    run = bench.begin("run", "--keep-on-failure", *arguments)
    wait_for(mark.exists)
    run.send_signal(number)
    if phase != "starting":
        wait_for(Path(f"{mark}.end").exists)
    # As a CI system does that gives a job little time.
    time.sleep(1)
    run.send_signal(signal.SIGTERM)
    _, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == (130 if phase == "starting" else 128 + number), err
    assert Path(f"{mark}.end").exists() == (phase != "starting")
    assert bench.left() == [], err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("inside", [True, False])
def test_a_signal_that_is_repeated_all_the_time_ends_it_as_the_first_one_does(
    bench: Bench, number: signal.Signals, inside: bool
) -> None:
    mark = bench.folder / "begun"
    child = f"trap 'echo cleaned > {mark}.end; exit 0' TERM HUP; touch {mark}; while :; do sleep 0.1; done"
    bench.write(box=bench.box(volumes=[f"{bench.folder}:{bench.folder}"]))
    run = bench.begin("run", *(["--in", "box"] if inside else []), "sh", "-c", child)
    wait_for(mark.exists)
    run.send_signal(number)
    wait_for(Path(f"{mark}.end").exists)
    with repeated(run, number):
        _, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 128 + number, err
    assert bench.left() == []


def test_a_signal_that_comes_as_the_apply_lets_its_lock_go_leaves_nothing(bench: Bench) -> None:
    bench.write(box=bench.box())
    asked = threading.Event()

    def holds(request: str) -> bool:
        if asked.is_set() or not re.match(rf"DELETE [^ ]*/volumes/{lock_name(bench.stack)}[ ?]", request):
            return False
        asked.set()
        return True

    engine = bench.wire.endpoint.url.removeprefix("unix://")
    with Proxy(bench.folder / "engine.sock", engine) as proxy:
        proxy.holds = holds
        run = subprocess.Popen(
            [*NEXUSCTL, "run", "--lock-timeout", "1s", "true"], cwd=bench.folder, text=True, stdin=subprocess.DEVNULL,
            env=plain() | {"DOCKER_HOST": f"unix://{proxy.path}"}, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert asked.wait(PATIENCE)
        run.send_signal(signal.SIGTERM)
        _, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 130, err
    assert bench.left() == [], err


@contextmanager
def repeated(process: subprocess.Popen[str], number: signal.Signals) -> Iterator[None]:
    over = threading.Event()

    def send() -> None:
        while not over.wait(0.01):
            process.send_signal(number)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_its_time_ends_the_command_with_all_that_it_started(bench: Bench) -> None:
    bench.write(box=bench.box())
    pids = bench.folder / "pids"
    child = f"trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > {pids}; exec sleep 3000' & wait; sleep 3000"
    run = bench.begin("run", "--timeout", "20s", "sh", "-c", child)
    _, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 124, err
    if pids.exists():
        assert not is_alive(int(pids.read_text()))
    assert bench.left() == []


def test_what_a_killed_run_has_left_the_next_one_removes(bench: Bench) -> None:
    mark = bench.folder / "begun"
    bench.write(box=bench.box(volumes=["data:/data"]), more={"volumes": {"data": {}}})
    run = bench.begin("run", "sh", "-c", f"echo $$ > {mark}; exec sleep 300")
    wait_for(lambda: mark.exists() and bool(mark.read_text()))
    os.kill(run.pid, signal.SIGKILL)
    assert run.wait(PATIENCE) == -signal.SIGKILL
    # The command outlives it and has its pipes: they end with the command.
    os.kill(int(mark.read_text()), signal.SIGKILL)
    run.communicate(timeout=PATIENCE)
    assert any(name.endswith("_box") for name in bench.left())
    _, err = bench.run("run", "true")
    assert "left that was killed: it is removed first" in err
    assert bench.left() == []


def test_two_runs_of_one_stack_come_one_after_the_other(bench: Bench) -> None:
    mark, end = bench.folder / "begun", bench.folder / "end"
    bench.write(box=bench.box())
    first = bench.begin("run", "sh", "-c", f"touch {mark}; until [ -e {end} ]; do sleep 0.1; done")
    wait_for(mark.exists)
    _, err = bench.run("run", "--lock-timeout", "1s", "true", code=1)
    assert f"another run of stack {bench.stack} goes on" in err
    end.touch()
    bench.run("run", "true")
    assert first.wait(PATIENCE) == 0
    first.communicate()
    assert bench.left() == []


HOSTILE = """
mkdir -p /out/deep '/out/with space' /out/loop; echo one > /out/deep/a.txt; echo two > '/out/with space/b'
ln -s /etc/passwd /out/passwd; ln -s / /out/loop/root; ln -s ../../../.. /out/up; mkfifo /out/pipe
printf 'x' > "/out/$(printf 'new\\nline')"; truncate -s 3G /out/zz-sparse; echo alone > /alone.txt; echo last > /zz
"""


def test_artifacts_are_plain_files_below_one_folder_and_bounded(bench: Bench) -> None:
    victim = bench.folder / "victim"
    victim.mkdir()
    (bench.folder / "out" / "job").mkdir(parents=True)
    (bench.folder / "out" / "job" / "out").symlink_to(victim)
    (bench.folder / "out" / "job.log").symlink_to(victim / "log")
    task = bench.task(HOSTILE + "echo said", artifacts=["/out/deep", "/out", "/alone.txt", "/absent", "/zz"])
    bench.write(job=task)
    _, err = bench.run("run", "--artifacts", "out")
    made = bench.folder / "out" / "job"
    assert list(victim.iterdir()) == []
    assert (bench.folder / "out" / "job.log").read_text() == "said\n"
    assert not (bench.folder / "out" / "job.log").is_symlink()
    assert (made / "out" / "deep" / "a.txt").read_text() == "one\n"
    assert (made / "out" / "with space" / "b").read_text() == "two\n"
    assert (made / "out" / "new\nline").read_text() == "x"
    assert (made / "alone.txt").read_text() == "alone\n"
    assert not [path for path in made.rglob("*") if path.is_symlink() or not (path.is_file() or path.is_dir())]
    assert sum(path.stat().st_size for path in made.rglob("*") if path.is_file()) <= 1024**3
    assert "job: there is no /absent in it" in err
    assert "its artifacts are more than 1024 MiB; the rest of /out is left" in err
    assert (made / "zz").read_text() == "last\n"
    assert "links and special files stay behind" in err


def test_the_report_has_each_sandbox_task_and_command(bench: Bench) -> None:
    noise = r"printf 'bad \033[31m<&> \001\n' >&2; exit 9"
    bench.write(box=bench.box(), test=bench.task(noise), after=bench.task("true", depends_on=["test"]))
    bench.run("run", "--junit", "reports/run.xml", "true", code=1)
    suite = ElementTree.parse(bench.folder / "reports" / "run.xml").getroot()[0]
    found = {case.get("name"): [part.tag for part in case] for case in suite}
    assert found == {"box": [], "test": ["failure"], "after": ["skipped"]}
    assert suite.attrib | {"time": ""} == {
        "name": bench.stack, "tests": "3", "failures": "1", "errors": "0", "skipped": "1", "time": "",
    }  # fmt: skip
    failure = next(case for case in suite if case.get("name") == "test")[0]
    assert "bad <&> \ufffd" in (failure.text or "")
    bench.write(box=bench.box())
    bench.run("run", "--junit", "reports/run.xml", "sh", "-c", "exit 2", code=2)
    suite = ElementTree.parse(bench.folder / "reports" / "run.xml").getroot()[0]
    assert {case.get("name"): [part.get("message") for part in case] for case in suite} == {
        "box": [], "sh": ["it exited with 2"],
    }  # fmt: skip


def test_a_task_of_every_apply_is_no_change_for_the_exit_code(bench: Bench) -> None:
    always = bench.task("true", run="always")
    bench.write(box=bench.box(), check=always)
    bench.run("plan", "--detailed-exitcode", code=2)
    bench.run("apply", "--yes")
    out, _ = bench.run("plan", "--detailed-exitcode")
    assert "it runs at every apply" in out
    bench.write(box=bench.box(env={"A": "1"}), check=always)
    bench.run("plan", "--detailed-exitcode", code=2)
    bench.write(box=bench.box(), check={**always, "metadata": {"team": "x"}})
    bench.run("plan", "--detailed-exitcode", code=2)
