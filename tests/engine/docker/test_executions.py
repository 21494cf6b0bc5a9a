"""Executions on the real engine: whatever shell the image has, whatever its programs print, and whatever ends them."""

from __future__ import annotations

import hashlib
import io
import subprocess
import threading
import time
from typing import Any

import pytest

from nexusctl.api.everyday import executions
from nexusctl.engine.command import Command
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.engine import DockerEngine
from nexusctl.engine.docker.exec.exec import run
from nexusctl.errors import EngineError, StepError
from nexusctl.model.observed.execution import Execution, Order
from nexusctl.model.stack import Resources
from tests.engine.contract.test_executions import await_state, new_id, read
from tests.engine.contract.test_executions import start as order
from tests.engine.workshop import Workshop
from tests.load import allow
from tests.ranges import make_network

pytestmark = pytest.mark.engine

LINES = 300_000


@pytest.fixture
def shop(wire: Wire, base_image: str, stack_name: str) -> Any:
    made = Workshop(DockerEngine(wire), stack_name, base_image)
    yield made
    made.clear()


@pytest.fixture(params=["dash", "bash", "busybox"])
def box(request: pytest.FixtureRequest, shop: Workshop, wire: Wire) -> str:
    """A sandbox whose `sh` is this shell."""
    if request.param == "busybox":
        return shop.start(shop.sandbox(image=request.getfixturevalue("busybox_image")))
    container_id = shop.start(shop.sandbox())
    link = ("ln", "-sf", request.param, "/usr/bin/sh")
    assert run(wire, container_id, link, user="0:0").exit_code == 0
    return container_id


@pytest.fixture
def plain(shop: Workshop) -> str:
    return shop.start(shop.sandbox())


def test_two_streams_a_prompt_and_bytes_of_any_kind_are_one_log(shop: Workshop, box: str) -> None:
    # Each stream has a reader of its own: what comes after the other one waits for it.
    script = r"""said() { until [ -e /tmp/$1 ]; do sleep 0.02; done; }
        printf 'name? '; said a; printf '\377\000\n' >&2; said b; printf 'no line end'; exit 7"""
    made = order(shop, box, "sh", "-c", script)
    for name, whole in (("a", b"name? "), ("b", b"name? \xff\0\n")):
        await_bytes(shop, made.id, whole)
        shop.engine.run_script(box, f"touch /tmp/{name}")
    found = await_end(shop, made)
    assert (found.state, found.exit_code, found.bytes) == ("exited", 7, 6 + 3 + 11)
    pieces = [(piece.offset, piece.stream, piece.data) for piece in shop.engine.executions.read(found.id, 0, most=99)]
    assert pieces == [(0, "stdout", b"name? "), (6, "stderr", b"\xff\0\n"), (9, "stdout", b"no line end")]


SERVE = """if command -v perl >/dev/null; then
    exec perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => 3000, Listen => 9) or die; sleep 60'
else exec nc -l -p 3000; fi"""


def test_who_listens_goes_on_when_a_server_says_nothing_more(shop: Workshop, box: str) -> None:
    made = order(shop, box, "sh", "-c", f"echo one; sleep 0.5; echo two; {SERVE}")
    begun = time.monotonic()
    pieces, how = shop.engine.executions.listen(made.id, most=99, wait=50, silence=3)
    assert (b"".join(piece.data for piece in pieces), how.state, how.bytes) == (b"one\ntwo\n", "running", 8)
    assert time.monotonic() - begun < allow(40)
    # It serves, and the next one does not.
    late = order(shop, box, "sh", "-c", "echo begin; sleep 4; echo end; exit 3")
    pieces, how = shop.engine.executions.listen(late.id, most=99, wait=50, silence=0.1)
    assert (b"".join(piece.data for piece in pieces), how.state, how.exit_code) == (b"begin\nend\n", "exited", 3)
    heard = executions.listen(shop.engine, made.id, 99, 0.2)
    assert (b"".join(data for _, data in heard.chunks), heard.next_offset, heard.ended) == (b"one\ntwo\n", 8, False)
    ended = order(shop, box, "sh", "-c", "sleep 0.3; echo late; exit 3")
    heard = executions.listen(shop.engine, ended.id, 99, 50, 0.1)
    assert (heard.chunks, heard.ended, heard.execution.exit_code) == ((("stdout", b"late\n"),), True, 3)


@pytest.mark.parametrize(
    "code",
    ["exec >/dev/null 2>&1; sleep 1; exit 3", "sleep 1.5; sleep 60 & exit 3"],
    ids=["closes its output", "leaves somebody behind"],
)
def test_who_listens_hears_how_it_ended_whenever_its_log_does(shop: Workshop, box: str, code: str) -> None:
    """The log may be closed before the end is written down, and stay open for long after it."""
    made = order(shop, box, "sh", "-c", code)
    begun = time.monotonic()
    heard = executions.listen(shop.engine, made.id, 99, 50, 20)
    assert (heard.execution.state, heard.execution.exit_code) == ("exited", 3)
    assert time.monotonic() - begun < allow(40)


def test_a_network_that_is_joined_is_no_server(shop: Workshop, box: str, wire: Wire) -> None:
    """The engine opens a socket in the sandbox then, at which it answers for names."""
    wire.post("/networks/none/disconnect", {"Container": box})
    made = order(shop, box, "sh", "-c", "sleep 4; exit 3")
    network = make_network(wire, f"{shop.stack}_late")
    try:
        wire.post(f"/networks/{network}/connect", {"Container": box})
        heard = executions.listen(shop.engine, made.id, 99, 50, 0.1)
        assert (heard.execution.state, heard.execution.exit_code) == ("exited", 3)
    finally:
        wire.post(f"/networks/{network}/disconnect", {"Container": box, "Force": True})
        wire.delete(f"/networks/{network}")


def test_who_listens_hears_the_first_line_of_a_server_behind_its_socket(shop: Workshop, box: str) -> None:
    made = order(shop, box, "sh", "-c", f"sleep 9; (sleep 1.7; echo up) & {SERVE}")
    heard = executions.listen(shop.engine, made.id, 99, 50, 1)
    assert (heard.chunks, heard.execution.state, heard.next_offset) == ((("stdout", b"up\n"),), "running", 3)


class CountingWire(Wire):
    """Counts the commands that it starts in a sandbox."""

    started = 0

    def open(self, method: str, path: str, *args: Any, **more: Any) -> Any:
        self.started += path.startswith("/exec/") and path.endswith("/start")
        return super().open(method, path, *args, **more)


@pytest.mark.parametrize(
    ("code", "wait", "state"), [("echo up; sleep 60", 3, "running"), ("echo up; exit 3", 50, "exited")]
)
def test_who_listens_starts_one_command(
    wire: Wire, shop: Workshop, box: str, code: str, wait: float, state: str
) -> None:
    made = order(shop, box, "sh", "-c", code)
    await_bytes(shop, made.id, b"up\n")
    counting = CountingWire(wire.endpoint)
    heard = executions.listen(DockerEngine(counting), made.id, 99, wait, 0.1)
    assert (heard.chunks, heard.execution.state, counting.started) == ((("stdout", b"up\n"),), state, 1)


def test_who_listens_for_a_time_hears_no_longer_of_what_never_stops(shop: Workshop, box: str) -> None:
    made = order(shop, box, "sh", "-c", "while :; do echo on and on; sleep 0.02; done")
    await_bytes(shop, made.id, b"on and on\n")
    begun = time.monotonic()
    pieces, how = shop.engine.executions.listen(made.id, most=10**9, wait=1, silence=30)
    assert time.monotonic() - begun < allow(20)
    assert pieces
    assert how.state == "running"


def test_all_lines_come_through_a_slow_reader_as_they_were(shop: Workshop, box: str) -> None:
    script = f"i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo line $i of a long log; done"
    made = order(shop, box, "sh", "-c", script)
    digest, reached = hashlib.sha256(), 0
    for number, piece in enumerate(executions.follow(shop.engine, made.id)):
        assert piece.offset == reached
        reached += len(piece.data)
        digest.update(piece.data)
        if number % 20 == 0:
            time.sleep(0.02)
    whole = b"".join(b"line %d of a long log\n" % number for number in range(1, LINES + 1))
    assert (reached, digest.hexdigest()) == (len(whole), hashlib.sha256(whole).hexdigest())


def test_a_log_has_a_bound_and_what_was_cut_away_is_said(shop: Workshop, box: str, wire: Wire) -> None:
    script = "i=0; while [ $i -lt 40 ]; do i=$((i+1)); head -c 1000000 /dev/zero | tr '\\0' x; echo $i; done; echo end"
    found = await_end(shop, order(shop, box, "sh", "-c", script))
    first, *rest = shop.engine.executions.read(found.id, 0, most=10**9)
    assert first.stream is None
    assert found.bytes - first.offset >= 16 * 1024 * 1024
    assert rest[0].offset == first.offset
    said = b"".join(piece.data for piece in rest)
    assert len(said) == found.bytes - first.offset
    assert said.endswith(b"40\nend\n")
    kept = run(wire, box, ("du", "-sk", "/var/lib/nexusctl"), user="0:0").output.split()[0]
    assert int(kept) < 20 * 1024


def test_a_follower_that_is_cut_off_goes_on_where_it_was(shop: Workshop, box: str) -> None:
    made = order(shop, box, "sh", "-c", "i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo $i; sleep 0.01; done")
    whole, reached = b"", 0
    while reached < len(expected := b"".join(b"%d\n" % number for number in range(1, 201))):
        for piece in shop.engine.executions.read(made.id, reached, most=10**6, wait=5.0):
            assert piece.offset == reached
            whole += piece.data
            reached += len(piece.data)
            break
    assert whole == expected


def test_a_follower_leaves_nothing_in_the_sandbox(shop: Workshop, plain: str, wire: Wire) -> None:
    made = order(shop, plain, "sh", "-c", "echo begun; sleep 1000")
    pieces = shop.engine.executions.read(made.id, 0, most=10**6, wait=1000.0)
    assert next(iter(pieces)).data == b"begun\n"
    pieces.close()  # type: ignore[attr-defined]
    await_processes(wire, plain, lambda found: not any("rounds" in args for args in found))


@pytest.mark.parametrize("user", [None, "nobody", "12345"])
def test_any_user_s_are_kept_and_reached(user: str | None, shop: Workshop, plain: str) -> None:
    made = order(shop, plain, "sh", "-c", "id -u; cat", user=user, fed=True)
    shop.engine.executions.feed(made.id, b"fed\n")
    await_bytes(shop, made.id, b"fed\n")
    shop.engine.executions.signal(made.id, "INT")
    found = await_state(shop.engine, made.id)
    assert (found.state, found.signal) == ("killed", "INT")
    shop.engine.executions.remove(made.id)
    assert shop.engine.executions.list(plain) == ()


def test_a_signal_reaches_all_that_it_runs_and_not_what_keeps_its_log(shop: Workshop, box: str) -> None:
    script = "trap 'echo caught; exit 3' TERM; sleep 1000 & sleep 1000 & echo begun; wait"
    made = order(shop, box, "sh", "-c", script)
    await_bytes(shop, made.id, b"begun\n")
    shop.engine.executions.signal(made.id, "TERM")
    found = await_state(shop.engine, made.id)
    assert (found.state, found.exit_code, read(shop.engine, made.id)) == ("exited", 3, b"begun\ncaught\n")


def test_one_that_is_killed_for_memory_says_so(shop: Workshop) -> None:
    small = shop.start(shop.sandbox(resources=Resources(memory=48 * 1024**2)))
    found = await_end(
        shop, order(shop, small, "perl", "-e", "$|=1; print 'xxxxx'; my $n = 200_000_000; my $x = 'y' x $n")
    )
    assert (found.state, found.signal, read(shop.engine, found.id)) == ("oom", "KILL", b"xxxxx")


def test_one_whose_keeper_is_killed_is_lost_with_its_log_whole(shop: Workshop, plain: str, wire: Wire) -> None:
    made = order(shop, plain, "sh", "-c", "echo begun; sleep 1000")
    await_bytes(shop, made.id, b"begun\n")
    run(wire, plain, ("sh", "-c", "kill -KILL $(sed -n 2p /var/lib/nexusctl/executions/*/meta | cut -d' ' -f1)"))
    found = await_state(shop.engine, made.id)
    assert (found.state, found.exit_code, read(shop.engine, made.id)) == ("lost", None, b"begun\n")


def test_what_a_sandbox_held_when_it_was_killed_is_read_from_it(shop: Workshop, box: str, wire: Wire) -> None:
    made = order(shop, box, "sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; done")
    await_bytes(shop, made.id, b"\n100\n")
    wire.post(f"/containers/{box}/kill")
    found = await_state(shop.engine, made.id)
    said = read(shop.engine, made.id, most=10**9)
    assert (found.state, found.bytes) == ("killed", len(said))
    count = said.count(b"\n")
    assert said.startswith(b"".join(b"%d\n" % number for number in range(1, count + 1)))


def test_a_paused_sandbox_tells_of_them(shop: Workshop, plain: str, wire: Wire) -> None:
    made = order(shop, plain, "sh", "-c", "echo begun; sleep 1000")
    await_bytes(shop, made.id, b"begun\n")
    wire.post(f"/containers/{plain}/pause")
    assert shop.engine.executions.show(made.id).state == "running"
    assert read(shop.engine, made.id) == b"begun\n"
    wire.post(f"/containers/{plain}/unpause")


def test_a_folder_that_is_not_there_is_told(shop: Workshop, plain: str) -> None:
    with pytest.raises(StepError, match="no folder /nowhere that its user may enter"):
        order(shop, plain, "true", working_dir="/nowhere")


def test_one_without_a_shell_is_refused_and_still_runs_what_is_watched(shop: Workshop, plain: str, wire: Wire) -> None:
    gone = ("rm", *(f"/usr/bin/{name}" for name in ("sh", "dash", "bash", "perl")))
    run(wire, plain, gone)
    with pytest.raises(StepError, match="has no shell"):
        order(shop, plain, "true")
    code, out = watch(shop, plain, "echo", "hello")
    assert (code, out) == (0, b"hello\n")


def test_one_without_dd_is_refused_and_still_runs_what_is_watched(shop: Workshop, plain: str, wire: Wire) -> None:
    run(wire, plain, ("rm", "/usr/bin/dd"))
    with pytest.raises(StepError, match="has no `dd`"):
        order(shop, plain, "true")
    assert watch(shop, plain, "sh", "-c", "echo hello; exit 9") == (9, b"hello\n")
    assert shop.engine.executions.list(plain) == ()


def test_a_root_that_cannot_be_written_puts_them_into_shared_memory(shop: Workshop, base_image: str) -> None:
    closed = shop.start(shop.sandbox(read_only=True))
    made = Order(id=new_id(closed), argv=("echo", "x"), command=("echo", "x"), who="tester", started=time.time())
    assert "/dev/shm/nexusctl" in shop.engine.executions.start(closed, made)
    assert await_state(shop.engine, made.id).exit_code == 0
    assert read(shop.engine, made.id) == b"x\n"


def test_a_full_disk_holds_up_no_command_and_has_room_for_its_end(shop: Workshop, wire: Wire) -> None:
    marks = ("--label", f"dev.nexusctl.stack={shop.stack}", "--label", "dev.nexusctl.sandbox=a")
    disk = ("--tmpfs", "/var/lib/nexusctl:size=400k,mode=755")
    command = ["docker", "run", "--detach", *marks, *disk, shop.image, "sleep", "1000"]
    small = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    try:
        fill_disk(shop, small)
    finally:
        wire.delete(f"/containers/{small}", {"force": True})


def fill_disk(shop: Workshop, small: str) -> None:
    script = "i=0; while [ $i -lt 40000 ]; do i=$((i+1)); echo $i of a long log; done; exit 5"
    found = await_end(shop, order(shop, small, "sh", "-c", script))
    said = read(shop.engine, found.id)
    assert (found.state, found.exit_code, found.bytes) == ("exited", 5, len(said))
    assert b"".join(b"%d of a long log\n" % number for number in range(1, 40001)).startswith(said)
    with pytest.raises(StepError, match="no space left"):
        order(shop, small, "true")
    assert watch(shop, small, "echo", "hello") == (0, b"hello\n")


def test_what_is_watched_is_the_same_object(shop: Workshop, box: str) -> None:
    script = "echo out; until [ -e /tmp/go ]; do sleep 0.02; done; echo err >&2; exit 5"

    def let_go_on() -> None:
        while not (begun := shop.engine.executions.list(box)):
            time.sleep(0.05)
        await_bytes(shop, begun[0].id, b"out\n")
        shop.engine.run_script(box, "touch /tmp/go")

    beside = threading.Thread(target=let_go_on)
    beside.start()
    assert watch(shop, box, "sh", "-c", script) == (5, b"out\n")
    beside.join()
    (found,) = shop.engine.executions.list(box)
    assert (found.state, found.exit_code, found.command) == ("exited", 5, ("sh", "-c", script))
    assert read(shop.engine, found.id) == b"out\nerr\n"


def test_what_is_watched_comes_through_whole_and_is_not_held_up_by_what_it_leaves(shop: Workshop, box: str) -> None:
    size = 50_000_000
    code, out = watch(shop, box, "head", "-c", str(size), "/dev/zero")
    assert (code, len(out), out.strip(b"\0")) == (0, size, b"")
    assert watch(shop, box, "sh", "-c", "sleep 1000 & echo begun") == (0, b"begun\n")


def test_the_environment_of_a_command_is_what_the_engine_gives_it(shop: Workshop, box: str, wire: Wire) -> None:
    bare = run(wire, box, ("env",)).output.splitlines()
    kept = watch(shop, box, "env")[1].decode().splitlines()
    strip = {line for line in bare if not line.startswith("NEXUSCTL_EXEC=")}
    assert {line for line in kept if not line.startswith(("NEXUSCTL_EXEC=", "_="))} == strip
    assert watch(shop, box, "sh", "-c", "umask") == (0, run(wire, box, ("sh", "-c", "umask")).output.encode())


def test_only_so_many_are_kept(shop: Workshop, plain: str, wire: Wire) -> None:
    begun = await_end(shop, order(shop, plain, "true", started=1e9))
    script = f"""cd /var/lib/nexusctl; i=0
        while [ $i -lt 210 ]; do
          name=$(echo {begun.id} | cut -c1-17)$(printf %08x $((1000000001 + i)))00000000
          cp -r executions/{begun.id} executions/$name; cp -r output/{begun.id} output/$name; i=$((i+1))
        done"""
    # Pipes are nothing that may be copied by reading them.
    run(wire, plain, ("sh", "-c", f"find /var/lib/nexusctl -type p -delete; {script}"), user="0:0")
    last = await_end(shop, order(shop, plain, "true", started=1.5e9))
    found = shop.engine.executions.list(plain)
    assert len(found) <= 201
    assert found[-1].id == last.id
    assert begun.id not in {execution.id for execution in found}


# Hundredths of a second after the begin: those of one second are told as one piece.
@pytest.mark.parametrize(
    ("stamps", "told"),
    [
        ((3, 305), [0.03, 3.05]),
        ((10, 1000), [0.1, 10.0]),
        ((0, 7), [0.0]),
        ((99, 100), [0.99, 1.0]),
        ((301, 305), [3.01]),
    ],
)
def test_pieces_are_told_as_one_where_they_came_in_the_same_second(
    stamps: tuple[int, int], told: list[float], shop: Workshop, plain: str, wire: Wire
) -> None:
    made = await_end(shop, order(shop, plain, "printf", "one\ntwo\n"))
    index = f"0 o 0 0 4 {stamps[0]}\\n4 o 0 4 4 {stamps[1]}\\n8 . 0 0 0\\n"
    script = f"printf '{index}' >/var/lib/nexusctl/output/{made.id}/i.0"
    assert run(wire, plain, ("bash", "-c", script), user="0:0").exit_code == 0
    pieces = list(shop.engine.executions.read(made.id, 0, most=10**6))
    assert b"".join(piece.data for piece in pieces) == b"one\ntwo\n"
    assert [piece.after for piece in pieces if piece.data] == told


# What a sandbox writes itself is no reason to believe it, to wait for ever, or to read something else.
HOSTILE = [
    "rm meta; ln -s /etc/shadow meta",
    "rm meta; mkfifo meta",
    'echo "[[[[" >meta',
    "head -c 50000000 /dev/zero >meta",
    'echo "a[\\$(touch /owned)] 1 \\$(touch /owned)" >>meta; rm end; echo "a[\\$(touch /owned)] x y" >end',
    "rm end; ln -s /etc/shadow end; rm bytes; echo 99999999999999999999 >bytes",
    "cd ../../output/$id; rm o.0; ln -s /etc/shadow o.0",
    "cd ../../output/$id; rm o.0; mkfifo o.0",
    'cd ../../output/$id; echo "0 o 0 0 99999999999" >i.0',
    'cd ../../output/$id; echo "a[\\$(touch /owned)] o a[\\$(touch /owned)] 0 5" >i.0; touch "i.a[\\$(id)]"',
    "cd ../../output/$id; rm i.0; mkfifo i.0",
    "cd ../../output/$id; mkdir x; head -c 90000000 /dev/zero >o.7; head -c 90000000 /dev/zero >i.3",
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
@pytest.mark.parametrize("stopped", [False, True])
def test_what_a_sandbox_writes_itself_is_not_believed(
    number: int, stopped: bool, shop: Workshop, plain: str, wire: Wire
) -> None:
    made = await_end(shop, order(shop, plain, "echo", "hello"))
    script = f"id={made.id}; cd /var/lib/nexusctl/executions/$id; {HOSTILE[number]}"
    assert run(wire, plain, ("bash", "-c", script), user="0:0").exit_code == 0
    run(wire, plain, ("ln", "-sf", "bash", "/usr/bin/sh"))
    if stopped:
        shop.engine.stop_container(plain, grace=0)
    said = b""
    try:
        shop.engine.executions.list(plain)
        said = b"".join(piece.data for piece in shop.engine.executions.read(made.id, 0, most=10**6))
    except EngineError as error:
        # A refusal in words is as good as an answer.
        assert 0 < len(str(error)) < 1000  # noqa: PT017
    assert b"root:" not in said
    if not stopped:
        assert run(wire, plain, ("test", "-e", "/owned")).exit_code == 1


def await_end(shop: Workshop, made: Order) -> Execution:
    return await_state(shop.engine, made.id)


def await_bytes(shop: Workshop, execution_id: str, wanted: bytes) -> None:
    for _ in range(4800):
        if wanted in read(shop.engine, execution_id):
            return
        time.sleep(0.05)
    raise AssertionError(f"it never said {wanted!r}: {read(shop.engine, execution_id)[:200]!r}")


def await_processes(wire: Wire, container_id: str, wanted: Any) -> None:
    for _ in range(4800):
        found = wire.get(f"/containers/{container_id}/top", {"ps_args": "-o pid,args"})["Processes"]
        if wanted([row[-1] for row in found]):
            return
        time.sleep(0.05)
    raise AssertionError(f"it never came to that: {found}")


def watch(shop: Workshop, container_id: str, *argv: str) -> tuple[int, bytes]:
    """The exit code and what came on stdout of a command that is watched to its end."""
    out, err = io.BytesIO(), io.BytesIO()
    made = Order(id=new_id(container_id, time.time()), argv=argv, command=argv, who="tester", started=time.time())
    code = shop.engine.executions.watch(container_id, Command(argv=argv, stdout=out, stderr=err), made)
    return code, out.getvalue()


def test_what_ran_before_a_restart_has_ended_also_while_nobody_inside_can_be_asked(shop: Workshop, plain: str) -> None:
    former = order(shop, plain, "sleep", "1000")
    time.sleep(1.1)
    subprocess.run(["docker", "restart", "--time", "0", plain], check=True, capture_output=True)
    later = order(shop, plain, "sleep", "1000")
    subprocess.run(["docker", "pause", plain], check=True, capture_output=True)
    states = {found.id: found.state for found in shop.engine.executions.list(plain)}
    assert states == {former.id: "killed", later.id: "running"}
    assert shop.engine.executions.show(former.id).signal == "KILL"
    subprocess.run(["docker", "unpause", plain], check=True, capture_output=True)
    assert {found.id: found.state for found in shop.engine.executions.list(plain)} == states
