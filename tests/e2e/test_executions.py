"""Executions at the command line: they outlive whoever started them, and are reached again by their id."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests import prestarted
from tests.templates.recipes import make_image
from tests.terminal import read_to_end

pytestmark = pytest.mark.engine

NEXUSCTL = [sys.executable, "-m", "nexusctl"]

PATIENCE = 240
"""Seconds for what has to come; only a hang meets it."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, base_image: str) -> Iterator[str]:
    """The name of a stack with one sandbox `box`, for --stack."""
    name = f"test-executions-{os.urandom(4).hex()}"
    file = tmp_path_factory.mktemp("stack") / "nexus.yaml"
    file.write_text(f"name: {name}\nsandboxes: {{box: {{image: {base_image}, command: [sleep, infinity]}}}}\n")
    prestarted.run([*NEXUSCTL, "apply", "--yes", "-f", str(file)], check=True, capture_output=True)
    yield name
    prestarted.run([*NEXUSCTL, "destroy", "--yes", "--stack", name], capture_output=True, check=False)


@pytest.fixture(scope="module")
def scriptless(tmp_path_factory: pytest.TempPathFactory, wire: Wire) -> Iterator[str]:
    """The same with python3, and without `script`."""
    name = f"test-scriptless-{os.urandom(4).hex()}"
    file = tmp_path_factory.mktemp("scriptless") / "nexus.yaml"
    image = make_image(wire, "python")
    file.write_text(f"name: {name}\nsandboxes: {{box: {{image: {image}, command: [sleep, infinity]}}}}\n")
    prestarted.run([*NEXUSCTL, "apply", "--yes", "-f", str(file)], check=True, capture_output=True)
    hidden = call("exec", "--stack", name, "box", "sh", "-c", "rm $(command -v script); command -v script")
    assert (hidden.returncode, hidden.stdout) == (127, "")
    yield name
    prestarted.run([*NEXUSCTL, "destroy", "--yes", "--stack", name], capture_output=True, check=False)


def test_what_is_detached_answers_with_an_id_by_which_all_is_found(stack: str) -> None:
    started = detach(stack, "sh", "-c", "echo out; sleep 0.3; echo err >&2; exit 3")
    followed = call("logs", "--execution", started, "--follow")
    assert (followed.returncode, followed.stdout, followed.stderr) == (0, "out\n", "err\n")
    later = call("logs", "--execution", started, "--from", "2")
    assert (later.stdout, later.stderr) == ("t\n", "err\n")
    # Who has read all of it, and who names a byte that there is not.
    for offset, said in (("8", ""), ("9", "note: the log ends at 8, before byte 9\n")):
        beyond = call("logs", "--execution", started, "--from", offset)
        assert (beyond.returncode, beyond.stdout, beyond.stderr) == (0, "", said)
    shown = [json.loads(line) for line in call("logs", "--execution", started, "--json").stdout.splitlines()]
    assert shown == [
        {"offset": 0, "stream": "stdout", "data": "out\n"},
        {"offset": 4, "stream": "stderr", "data": "err\n"},
    ]
    listed = call("executions", "--stack", stack, "box", "--json")
    (found,) = (one for one in json.loads(listed.stdout)["executions"] if one["id"] == started)
    assert (found["state"], found["exit_code"], found["bytes"], found["sandbox"]) == ("exited", 3, 8, "box")
    assert "exited (3)" in call("executions", "--stack", stack).stdout
    assert call("executions", "rm", started).returncode == 0
    gone = call("logs", "--execution", started)
    assert (gone.returncode, f"there is no execution {started}" in gone.stderr) == (1, True)


def test_a_follower_that_is_killed_leaves_it_running(stack: str) -> None:
    started = detach(stack, "sh", "-c", "echo begun; until [ -e /tmp/go ]; do sleep 0.05; done; echo done; rm /tmp/go")
    follower = subprocess.Popen([*NEXUSCTL, "logs", "--execution", started, "--follow"], stdout=subprocess.PIPE)
    assert follower.stdout
    assert follower.stdout.readline() == b"begun\n"
    follower.kill()
    follower.wait()
    assert call("exec", "--stack", stack, "box", "touch", "/tmp/go").returncode == 0
    assert call("logs", "--execution", started, "--follow", "--from", "6").stdout == "done\n"


@pytest.mark.parametrize("what", ["execution", "log", "events"])
def test_a_follower_whose_reader_is_gone_ends_though_nothing_comes(what: str, stack: str) -> None:
    started = detach(stack, "sh", "-c", "echo begun; exec sleep 1000")
    words = {
        "execution": ["logs", "--execution", started, "--follow"],
        "log": ["logs", "--stack", stack, "--follow"],
        "events": ["events", "--stack", stack, "--follow"],
    }[what]
    follower = subprocess.Popen([*NEXUSCTL, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert follower.stdout
    assert follower.stderr
    if what == "execution":
        assert follower.stdout.readline() == b"begun\n"
    follower.stdout.close()
    try:
        assert (follower.wait(PATIENCE), follower.stderr.read()) == (1, b"")
    finally:
        follower.kill()
        follower.stderr.close()
    listed = json.loads(call("executions", "--stack", stack, "--json").stdout)["executions"]
    assert next(one["state"] for one in listed if one["id"] == started) == "running"
    assert call("signal", started, "KILL").returncode == 0


def test_a_watcher_that_is_killed_leaves_its_command_running_and_its_log(stack: str) -> None:
    watcher = subprocess.Popen(
        [*NEXUSCTL, "exec", "--stack", stack, "box", "sh", "-c", "echo begun; sleep 1; echo ended; exit 4"],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    assert watcher.stdout
    assert watcher.stdout.readline() == b"begun\n"
    watcher.kill()
    watcher.wait()
    for _ in range(4800):
        listed = json.loads(call("executions", "--stack", stack, "--json").stdout)["executions"]
        (found,) = (one for one in listed if "echo ended" in one["command"][-1])
        if found["state"] != "running":
            break
        time.sleep(0.05)
    assert (found["state"], found["exit_code"]) == ("exited", 4)
    assert call("logs", "--execution", found["id"]).stdout == "begun\nended\n"


def test_an_attached_input_is_read_and_its_end_ends_it(stack: str) -> None:
    started = detach(stack, "sort", options=("-i",))
    done = call("attach", started, stdin="b\na\n")
    assert (done.returncode, done.stdout) == (0, "a\nb\n")
    ended = call("attach", started)
    assert (ended.returncode, "has ended with 0" in ended.stderr) == (1, True)


def test_ctrl_c_leaves_what_is_attached_running(stack: str) -> None:
    started = detach(stack, "cat", options=("-i",))
    attached = subprocess.Popen(
        [*NEXUSCTL, "attach", started], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert attached.stdin
    assert attached.stdout
    attached.stdin.write(b"hello\n")
    attached.stdin.flush()
    assert attached.stdout.readline() == b"hello\n"
    attached.send_signal(signal.SIGINT)
    assert attached.wait() == 130
    assert call("signal", started, "SIGTERM").returncode == 0
    assert call("logs", "--execution", started, "--follow").stdout == "hello\n"


@pytest.mark.parametrize("tool", ["script", "python3"])
def test_a_terminal_stays_in_the_sandbox_while_people_come_and_go(tool: str, request: pytest.FixtureRequest) -> None:
    """Also where the sandbox has python3, and no `script`."""
    stack: str = request.getfixturevalue("stack" if tool == "script" else "scriptless")
    # A signal ends the shell's reading, too.
    script = (
        """trap 'stty size' WINCH; tty; until [ "$x" = end ]; do if read -r x; then echo "<$x>"; fi; done; exit 5"""
    )
    started = detach(stack, "sh", "-c", script, options=("-t",))
    first = Terminal(31, 77, "attach", started, "--from", "0")
    first.wait_for(b"/dev/pts/")
    first.wait_for(b"31 77\r\n")
    first.type(b"one\r")
    first.wait_for(b"<one>\r\n")
    first.resize(20, 60)
    first.wait_for(b"20 60\r\n")
    # Of the keys that leave, the first alone is a key as any other.
    first.type(b"\x10x\r")
    first.wait_for(b"<\x10x>\r\n")
    first.type(b"\x10\x11")
    code, seen = first.end()
    assert (code, b"left running" in seen) == (0, True)
    second = Terminal(40, 90, "attach", started)
    second.wait_for(b"40 90\r\n")
    second.type(b"two\r")
    second.wait_for(b"<two>\r\n")
    second.type(b"end\r")
    assert second.end()[0] == 5
    log = call("logs", "--execution", started).stdout
    assert "<one>" in log
    assert "<two>" in log


def test_a_terminal_passes_ctrl_c_on(stack: str) -> None:
    started = detach(stack, "sh", "-c", "echo begun; exec sleep 1000", options=("-t",))
    terminal = Terminal(24, 80, "attach", started, "--from", "0")
    terminal.wait_for(b"begun")
    terminal.type(b"\x03")
    assert terminal.end()[0] == 130
    listed = json.loads(call("executions", "--stack", stack, "--json").stdout)["executions"]
    (found,) = (one for one in listed if one["id"] == started)
    assert (found["tty"], found["exit_code"]) == (True, 130)


def test_a_sandbox_without_a_tool_for_terminals_is_told_so(stack: str) -> None:
    words = ("exec", "--detach", "-t", "--stack", stack, "box")
    find = "command -v script; command -v python3"
    script = call("exec", "--stack", stack, "box", "sh", "-c", find).stdout.split()
    move = "for t; do mv $t $t.away; done"
    back = "for t; do mv $t.away $t; done"
    assert call("exec", "--stack", stack, "box", "sh", "-c", move, "sh", *script).returncode == 0
    try:
        done = call(*words, "true")
    finally:
        call("exec", "--stack", stack, "box", "sh", "-c", back, "sh", *script)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no tool that gives a command a terminal" in done.stderr
    assert call(*words, "true").returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["signal", "exec_x", "TERM"], "'exec_x' is no id of an execution"),
        (["attach", "exec_" + "0" * 28], "there is no execution"),
        (["logs", "--execution", "exec_" + "0" * 28], "there is no execution"),
        (["executions", "rm", "exec_" + "0" * 28], "there is no execution"),
    ],
)
def test_an_id_that_none_has_is_refused_in_words(words: list[str], said: str) -> None:
    done = call(*words)
    assert (done.returncode, said in done.stderr) == (1, True)
    assert len(done.stderr.splitlines()) <= 2


def test_a_signal_that_there_is_not_is_refused(stack: str) -> None:
    started = detach(stack, "sleep", "1000")
    done = call("signal", started, "TREM")
    assert (done.returncode, "did you mean `TERM`?" in done.stderr) == (1, True)
    assert call("signal", started, "KILL").returncode == 0


def test_a_terminal_obeys_what_was_printed_only_when_asked_to(stack: str) -> None:
    started = detach(stack, "printf", r"\033]0;owned\007\303\244\n")
    call("logs", "--execution", started, "--follow")
    assert "\x1b]0;" in call("logs", "--execution", started).stdout
    assert show_on_terminal("logs", "--execution", started) == "\\x1b]0;owned\\x07ä\r\n"
    assert show_on_terminal("logs", "--execution", started, "--raw") == "\x1b]0;owned\x07ä\r\n"


def test_a_value_of_its_environment_is_written_nowhere(stack: str, wire: Wire) -> None:
    started = detach(stack, "sh", "-c", "test ${#PASSWORD} = 12", options=("-e", "PASSWORD=s3cr3t-value"))
    call("logs", "--execution", started, "--follow")
    listed = call("executions", "--stack", stack, "--json").stdout
    assert next(one for one in json.loads(listed)["executions"] if one["id"] == started)["exit_code"] == 0
    assert "s3cr3t" not in listed
    searched = call("exec", "--stack", stack, "box", "grep", "-rlD", "skip", "s3cr3t", "/var/lib/nexusctl")
    assert searched.stdout.count("\n") <= 1, "only the search itself may say so"


def test_a_plan_says_that_what_runs_ends_with_what_it_replaces(stack: str, base_image: str, tmp_path: Path) -> None:
    box = f"{{image: {base_image}, command: [sleep, infinity], env: {{NEW: '1'}}}}"
    (tmp_path / "nexus.yaml").write_text(f"name: {stack}\nsandboxes: {{box: {box}}}\n")
    words = ("plan", "-f", str(tmp_path / "nexus.yaml"))
    started = detach(stack, "sleep", "1000")
    assert "an execution that runs in it ends" in call(*words).stdout
    assert call("signal", started, "KILL").returncode == 0
    call("logs", "--execution", started, "--follow")
    assert "that runs in it" not in call(*words).stdout


class Terminal:
    """nexusctl at a terminal of so many rows and columns."""

    def __init__(self, rows: int, columns: int, *words: str) -> None:
        self._seen = b""
        self._pid, self._master = pty.fork()
        if self._pid == 0:
            termios.tcsetwinsize(0, (rows, columns))
            os.execv(sys.executable, [*NEXUSCTL, *words])

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def resize(self, rows: int, columns: int) -> None:
        termios.tcsetwinsize(self._master, (rows, columns))

    def wait_for(self, words: bytes) -> None:
        while words not in self._seen:
            try:
                self._seen += os.read(self._master, 4096)
            except OSError:
                pytest.fail(f"{self._seen!r} is all that came before it ended")
        self._seen = self._seen.partition(words)[2]

    def end(self) -> tuple[int, bytes]:
        """Its exit code, and what it has said since."""
        seen = self._seen + read_to_end(self._master)
        code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        os.close(self._master)
        return code, seen


def detach(stack: str, *argv: str, options: tuple[str, ...] = ()) -> str:
    done = call("exec", "--detach", *options, "--stack", stack, "box", *argv)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def call(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return prestarted.run([*NEXUSCTL, *words], input=stdin, capture_output=True, text=True, check=False)


def show_on_terminal(*words: str) -> str:
    pid, master = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [*NEXUSCTL, *words])
    seen = read_to_end(master)
    os.waitpid(pid, 0)
    os.close(master)
    return seen.decode()
