"""Executions of which something is killed that has to do with them: `python -m tests.daemon.execution_kills TIMES`.

The engine is one of its own, without live-restore. Each time a command prints numbered lines on both streams, and a
follower, a watcher, a server, the sandbox or the engine is killed at another moment. The execution has an end then that
can be read, every byte of its log is there once, and whoever followed it has seen nothing else.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nexusctl.api.everyday import executions
from nexusctl.engine.docker.engine import DockerEngine
from nexusctl.engine.docker.exec.exec import run
from nexusctl.engine.docker.host.machine_facts import read_listener
from nexusctl.errors import EngineError, NotFound
from nexusctl.model.observed.execution import Execution, Piece
from nexusctl.model.observed.live import LiveSandbox
from tests.daemon.kills import far, second_engine, start
from tests.daemon.test_engine_daemon import Second
from tests.engine.workshop import Workshop

LINES = 6000
LONGEST = 2.0
"""Seconds within which the kills fall: a little more than the command takes."""

PAUSES = {"engine": "0.5"}
"""Seconds of each of the command's twelve pauses where it is not 0.1.

It goes on while there is no engine, and the next one is to find it at work.
"""

ROUND = ("follower", "watcher", "server", "sandbox", "engine", "follower", "watcher", "server", "sandbox", "sandbox")
"""What is killed, over and over."""

SCRIPT = f"""
i=0
while [ $i -lt {LINES} ]; do
  i=$((i+1))
  echo $i
  if [ $i = 1 ]; then until [ -e "$1" ]; do sleep 0.01; done; fi
  if [ $((i % 7)) = 0 ]; then echo e$i >&2; fi
  if [ $((i % 500)) = 0 ]; then sleep "$2"; fi
done
exit 7
"""
"""Goes on after its first line when its first argument is there, and rests so many seconds at times as its second says.

Else it had come to its end on a busy machine before there is whoever follows it, and nothing were killed at all.
"""
EXPECTED = {
    "stdout": b"".join(b"%d\n" % number for number in range(1, LINES + 1)),
    "stderr": b"".join(b"e%d\n" % number for number in range(7, LINES + 1, 7)),
}

SERVER = """
import sys
from types import SimpleNamespace
from nexusctl.api import connection
from nexusctl.api.everyday import executions
engine = connection.connect()
box = SimpleNamespace(id=sys.argv[1], sandbox="a")
begun, _ = executions.start(engine, box, sys.argv[2:], who="server")
for piece in executions.follow(engine, begun.id):
    if piece.stream == "stdout":
        sys.stdout.buffer.write(piece.data)
        sys.stdout.flush()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """What became of one: `state` is that of the execution, empty where none was begun.

    `ran` says whether its command was at work a moment before.
    """

    victim: str
    moment: float
    state: str
    problem: str
    ran: bool = False


class Yard:
    """A sandbox on an engine of its own."""

    def __init__(self, place: Second, image: str) -> None:
        self.place = place
        self._shop = Workshop(DockerEngine(far(place)), "killed", image)
        self._box = self._shop.start(self._shop.sandbox())
        self._environ = {**os.environ, "DOCKER_HOST": place.url}
        self._gates = (f"/tmp/go-{number}" for number in itertools.count())

    @property
    def _engine(self) -> DockerEngine:
        assert isinstance(self._shop.engine, DockerEngine)
        return self._shop.engine

    def play(self, victim: str, moment: float, *, begun_first: bool) -> Kill:
        """Kill it `moment` seconds after it was started, or after it has seen the first byte."""
        known = {found.id for found in self._list()}
        seen = self.place.folder / "seen"
        gate = next(self._gates)
        if not begun_first:
            self._open(gate)
        program = self._begin(victim, seen, ("sh", "-c", SCRIPT, "sh", gate, PAUSES.get(victim, "0.1")))
        if begun_first:
            _await_first_byte(seen, program)
            self._open(gate)
        time.sleep(moment)
        runs = any(found.state == "running" for found in self._list())
        self._kill(victim, program)
        program.kill()
        program.wait()
        begun = [found for found in self._list() if found.id not in known]
        if not begun:
            early = victim not in ("server", "watcher", "engine", "sandbox")
            return Kill(victim=victim, moment=moment, state="", problem="it is not listed" if early else "")
        ended = self._await_end(begun[0].id)
        problem = self._judge(victim, ended, seen.read_bytes()) if len(begun) == 1 else "it was begun twice"
        self._engine.start_container(self._box)
        again = self._engine.executions.show(ended.id)
        if (again.state, again.exit_code) != (ended.state, ended.exit_code):
            problem = problem or f"it was {ended.state}, and {again.state} after the next start"
        self._engine.executions.remove(ended.id)
        return Kill(victim=victim, moment=moment, state=ended.state, problem=problem, ran=runs)

    def _open(self, gate: str) -> None:
        assert run(self._engine.wire, self._box, ("touch", gate)).exit_code == 0

    def _begin(self, victim: str, seen: Path, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """What somebody runs who sees the output; it goes to the file `seen`."""
        words = [sys.executable, "-m", "nexusctl", "exec", "--stack", "killed", "a", *command]
        if victim == "server":
            words = [sys.executable, "-c", SERVER, self._box, *command]
        elif victim != "watcher":
            box = LiveSandbox(id=self._box, name="killed_a", sandbox="a", state="running", record=None)
            begun, _ = executions.start(self._engine, box, command)
            words = [sys.executable, "-m", "nexusctl", "logs", "--execution", begun.id, "--follow"]
        with seen.open("wb") as stream:
            return subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.DEVNULL, env=self._environ
            )

    def _kill(self, victim: str, program: subprocess.Popen[bytes]) -> None:
        if victim == "sandbox":
            self._engine.wire.post(f"/containers/{self._box}/kill")
        elif victim == "engine":
            os.kill(read_listener(str(self.place.socket)), signal.SIGKILL)
            start(self.place)
        else:
            program.kill()

    def _list(self) -> tuple[Execution, ...]:
        return self._engine.executions.list(self._box)

    def _await_end(self, execution_id: str) -> Execution:
        for _ in range(1200):
            found = self._engine.executions.show(execution_id)
            if found.state != "running":
                return found
            time.sleep(0.05)
        return found

    def _judge(self, victim: str, ended: Execution, seen: bytes) -> str:
        """What is wrong; empty where nothing is."""
        if ended.state == "running":
            return "it has no end"
        pieces = list(self._engine.executions.read(ended.id, 0, most=10**9))
        said = {stream: b"".join(x.data for x in pieces if x.stream == stream) for stream in EXPECTED}
        if not _is_one_row(pieces):
            return "its log has a gap"
        whole = victim in ("follower", "watcher", "server")
        for stream, expected in EXPECTED.items():
            if whole and said[stream] != expected:
                return f"{stream} has {len(said[stream])} bytes of {len(expected)}"
            if not expected.startswith(said[stream]):
                return f"{stream} is not what was printed"
        if whole and (ended.state, ended.exit_code) != ("exited", 7):
            return f"it is {ended.state} with {ended.exit_code}"
        if ended.bytes != sum(map(len, said.values())):
            return f"it says {ended.bytes} bytes, and has {sum(map(len, said.values()))}"
        return "" if said["stdout"].startswith(seen) else "a follower has seen what is not in the log"


def _await_first_byte(seen: Path, program: subprocess.Popen[bytes]) -> None:
    while not seen.stat().st_size and program.poll() is None:
        time.sleep(0.01)


def _is_one_row(pieces: list[Piece]) -> bool:
    reached = 0
    for piece in pieces:
        if piece.stream is None or piece.offset != reached:
            return False
        reached += len(piece.data)
    return True


def play(times: int, report: Callable[[Kill], None]) -> list[Kill]:
    """Kill something `times` times, at moments that lie as far apart as they can."""
    kills = []
    with second_engine() as (place, image):
        yard = Yard(place, image)
        counted: Counter[str] = Counter()
        share = Counter(itertools.islice(itertools.cycle(ROUND), times))
        for victim in itertools.islice(itertools.cycle(ROUND), times):
            moment = LONGEST * (counted[victim] + 0.5) / share[victim]
            counted[victim] += 1
            try:
                kill = yard.play(victim, moment, begun_first=counted[victim] % 3 > 0)
            except (EngineError, NotFound) as error:
                kill = Kill(victim=victim, moment=moment, state="", problem=str(error))
            kills.append(kill)
            report(kill)
    return kills


def main(times: int) -> int:
    def report(kill: Kill) -> None:
        word = kill.problem or kill.state or "nothing was begun"
        print(f"{kill.victim} killed after {kill.moment:.2f} s: {word}", flush=True)

    kills = play(times, report)
    good = sum(not kill.problem for kill in kills)
    states = Counter(kill.state or "not begun" for kill in kills)
    ran = sum(kill.ran for kill in kills)
    print(f"{good} of {times} kill points: no byte lost or doubled, none without an end; {dict(states)}")
    for victim in dict.fromkeys(ROUND):
        of = Counter(kill.state or "not begun" for kill in kills if kill.victim == victim)
        print(f"  {victim}: {', '.join(f'{count} {state}' for state, count in sorted(of.items()))}")
    print(f"{ran} of them while the command ran")
    return 0 if good == times else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
