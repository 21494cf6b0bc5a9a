from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from nexusctl.engine.command import Command
from nexusctl.engine.docker.client.frames import split_frames
from tests.engine.workshop import Workshop
from tests.load import allow


def execute(shop: Workshop, container_id: str, *command: str, **options: Any) -> tuple[int, bytes, bytes]:
    out, err = io.BytesIO(), io.BytesIO()
    code = shop.engine.execute(container_id, Command(argv=command, stdout=out, stderr=err, **options))
    return code, out.getvalue(), err.getvalue()


def read_log(shop: Workshop, container_id: str, **options: Any) -> dict[str, bytes]:
    found = {"stdout": b"", "stderr": b""}
    for chunk in shop.engine.logs(container_id, **options):
        found[chunk.stream] += chunk.data
    return found


def test_a_cut_stream_gives_what_came() -> None:
    stream = io.BytesIO(b"\x01\0\0\0\0\0\0\x03abc\x02\0\0\0\0\0\0\x09four")
    assert [(chunk.stream, chunk.data) for chunk in split_frames(stream.read)] == [
        ("stdout", b"abc"),
        ("stderr", b"four"),
    ]


@pytest.mark.engine
def test_streams_and_exit_code_come_through_apart(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    assert execute(shop, container_id, "sh", "-c", "echo out; echo err >&2; exit 3") == (3, b"out\n", b"err\n")


@pytest.mark.engine
def test_env_folder_and_user_are_those_asked_for(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    found = execute(
        shop, container_id, "sh", "-c", "echo $A $(pwd) $(id -u)", env={"A": "b"}, working_dir="/srv", user="7"
    )
    assert found == (0, b"b /srv 7\n", b"")


@pytest.mark.engine
@pytest.mark.parametrize("kind", ["memory", "file", "pipe"])
def test_input_comes_through_whole_and_ends(shop: Workshop, kind: str, tmp_path: Path) -> None:
    container_id = shop.start(shop.sandbox())
    data = os.urandom(3_000_000)
    (tmp_path / "data").write_bytes(data)
    with open_input(kind, data, tmp_path / "data") as stdin:
        assert execute(shop, container_id, "cat", stdin=stdin, timeout=60) == (0, data, b"")


def open_input(kind: str, data: bytes, path: Path) -> BinaryIO:
    if kind == "memory":
        return io.BytesIO(data)
    if kind == "file":
        return path.open("rb")
    cat = subprocess.Popen(["cat", str(path)], stdout=subprocess.PIPE)
    assert cat.stdout
    return cat.stdout  # type: ignore[return-value]


@pytest.mark.engine
def test_a_command_that_reads_no_input_ends_all_the_same(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stdin, os.fdopen(writing, "wb", buffering=0) as sink:
        assert execute(shop, container_id, "sh", "-c", "exit 4", stdin=stdin, timeout=60)[0] == 4
        sink.write(b"for the next one")
        assert stdin.read1() == b"for the next one"


@pytest.mark.engine
def test_a_command_whose_time_is_over_is_ended(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    assert execute(shop, container_id, "sh", "-c", "echo begun; sleep 777", timeout=allow(10)) == (124, b"begun\n", b"")
    assert execute(shop, container_id, "sh", "-c", "grep -l 77[7] /proc/[0-9]*/cmdline || true")[1] == b""


DRIVER = """
import sys
from nexusctl.engine.command import Command
from nexusctl.engine.docker.engine import connect
sys.exit(connect().execute(sys.argv[1], Command(argv=("sh", "-c", sys.argv[2]), tty=True, timeout=60,
    stdin=sys.stdin.buffer, stdout=sys.stdout.buffer, stderr=sys.stderr.buffer)))
"""


@pytest.mark.engine
def test_a_terminal_is_a_terminal_inside_and_keys_reach_it(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    # Ctrl-C is a key for the program inside, not for the one out here.
    script = """trap 'echo caught; exit 5' INT; test -t 0 && test -t 1 && echo ready
        until [ "$(stty size)" = '43 101' ]; do sleep 0.05; done; stty size; while :; do sleep 0.1; done"""
    pid, master = pty.fork()
    if pid == 0:
        os.environ.update(COLUMNS="101", LINES="43")
        os.execv(sys.executable, [sys.executable, "-c", DRIVER, container_id, script])
    seen = b""
    while b"43 101" not in seen:
        seen += os.read(master, 4096)
    assert b"ready" in seen
    os.write(master, b"\x03")
    while b"caught" not in seen:
        seen += os.read(master, 4096)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
    os.close(master)


@pytest.mark.engine
def test_the_log_has_both_streams_apart_and_a_tail(shop: Workshop) -> None:
    # The engine copies the two streams side by side: a line comes when the one before it is in the log.
    said = "said() { until [ -e /tmp/$1 ]; do sleep 0.02; done; }"
    script = f"{said}; for i in 1 2 3; do echo out$i; said out$i; echo err$i >&2; said err$i; done"
    container_id = shop.start(shop.sandbox(kind="task", command=("sh", "-c", script)))
    for line in ("out1", "err1", "out2", "err2", "out3", "err3"):
        while line.encode() not in b"".join(read_log(shop, container_id).values()):
            time.sleep(0.02)
        shop.engine.run_script(container_id, f"touch /tmp/{line}")
    shop.await_exit(container_id)
    assert read_log(shop, container_id) == {"stdout": b"out1\nout2\nout3\n", "stderr": b"err1\nerr2\nerr3\n"}
    assert read_log(shop, container_id, tail=3) == {"stdout": b"out3\n", "stderr": b"err2\nerr3\n"}
    assert read_log(shop, container_id, tail=0) == {"stdout": b"", "stderr": b""}


@pytest.mark.engine
def test_the_log_since_a_time_leaves_out_what_was_before(shop: Workshop) -> None:
    script = "echo early; until [ -e /tmp/go ]; do sleep 0.02; done; echo late"
    container_id = shop.start(shop.sandbox(kind="task", command=("sh", "-c", script)))
    while not read_log(shop, container_id)["stdout"]:
        time.sleep(0.02)
    between = time.time()
    shop.engine.run_script(container_id, "touch /tmp/go")
    shop.await_exit(container_id)
    assert read_log(shop, container_id, since=between)["stdout"] == b"late\n"
    assert read_log(shop, container_id, since=between - 3600)["stdout"] == b"early\nlate\n"


@pytest.mark.engine
def test_a_followed_log_goes_on_until_the_sandbox_ends(shop: Workshop) -> None:
    script = "echo one; until [ -e /tmp/go ]; do sleep 0.02; done; echo two"
    container_id = shop.start(shop.sandbox(kind="task", command=("sh", "-c", script)))
    found = []
    for chunk in shop.engine.logs(container_id, follow=True):
        found.append(chunk.data)
        if chunk.data == b"one\n":
            shop.engine.run_script(container_id, "touch /tmp/go")
    assert found == [b"one\n", b"two\n"]


@pytest.mark.engine
def test_many_logs_are_followed_at_once(shop: Workshop) -> None:
    ids = [
        shop.start(shop.sandbox(f"s{n}", kind="task", command=("sh", "-c", f"sleep 0.3; echo {n}"))) for n in range(4)
    ]
    found: dict[int, bytes] = {}

    def follow(n: int) -> None:
        found[n] = b"".join(chunk.data for chunk in shop.engine.logs(ids[n], follow=True))

    threads = [threading.Thread(target=follow, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == {n: b"%d\n" % n for n in range(4)}


@pytest.mark.engine
def test_a_terminal_that_is_closed_meanwhile_changes_no_exit_code(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    master, slave = pty.openpty()

    class Closing(io.BytesIO):
        """Once its other side is gone, nothing can be asked of a terminal and nothing said to it."""

        def write(self, data: Any) -> int:
            if not self.tell():
                os.close(master)
                shop.engine.run_script(container_id, "touch /tmp/go")
            return super().write(data)

    said = Closing()
    script = "echo begun; until [ -e /tmp/go ]; do sleep 0.02; done; sleep 1; exit 3"
    with open(slave, "rb", buffering=0) as stdin:
        command = Command(argv=("sh", "-c", script), stdin=stdin, stdout=said, stderr=io.BytesIO(), tty=True)
        code = shop.engine.execute(container_id, command)
    assert (code, said.getvalue()) == (3, b"begun\r\n")
