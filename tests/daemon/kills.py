"""An engine that is killed in mid-apply and started again: `python -m tests.daemon.kills TIMES`; a test does it twice.

The engine is one of its own. Each time an apply is begun, the engine is killed at another moment of it and started
again at once. The apply rides through or says in one clear line why it stopped; the next one converges.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nexusctl.engine.docker.choice import Target
from nexusctl.engine.docker.dockerd import forget
from nexusctl.engine.docker.endpoint import connect, negotiate
from nexusctl.engine.docker.machine import read_listener
from nexusctl.engine.docker.wire import Endpoint, Wire
from tests.daemon.test_engine_daemon import Second, unmount_below
from tests.faults.portrait import Portrait, take_portrait
from tests.images import require_base_image

STACK = """
name: killed
volumes: {data: }
sandboxes:
  db:
    image: IMAGE
    command: [sleep, infinity]
    volumes: ["data:/data"]
    startup: "echo started > /data/started"
    health: {command: [test, -e, /data/started], interval: 1s}
  api:
    image: IMAGE
    command: [sleep, infinity]
    uploads: [{content: one, target: /srv/one.txt}]
    depends_on: [db]
  web:
    image: IMAGE
    command: [sleep, infinity]
    depends_on: [api]
  agent:
    image: IMAGE
    command: [sleep, infinity]
    env: {ROLE: ONE}
    replicas: 3
"""

LAST = 1.1
"""The last moment, as a share of what an apply takes: a little after its end."""


TIMEOUT = 180
"""Seconds that a run may take; one that takes longer hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """What became of one: `moment` in seconds since the apply began, the exit code of it, what went wrong."""

    moment: float
    code: int
    problem: str


@contextmanager
def second_engine() -> Iterator[tuple[Second, str]]:
    """An engine of its own, and the image on it that the stack runs."""
    wire = connect()
    image = require_base_image(wire)
    # A socket's path may have 107 bytes.
    place = Second(Path(tempfile.mkdtemp(prefix="kills-")))
    try:
        start(place)
        with wire.open("GET", f"/images/{image}/get") as answer:
            tape = iter(lambda: answer.read(1 << 20), b"")
            far(place).open("POST", "/images/load", data=tape, content_type="application/x-tar").read()
        yield place, image
    finally:
        place.stop()
        unmount_below(place.folder)
        forget(Target(socket=str(place.socket)))
        shutil.rmtree(place.folder, ignore_errors=True)


def far(place: Second) -> Wire:
    return Wire(negotiate(Endpoint(url=place.url, source="test")))


def start(place: Second) -> None:
    started = place.start()
    assert started.returncode == 0, started.stderr


class Victim:
    """A stack on an engine that is killed while nexusctl works on it."""

    def __init__(self, place: Second, image: str) -> None:
        self._place = place
        self._wire = far(place)
        self._image = image
        self._file = place.folder / "nexus.yaml"

    def rehearse(self, *, replacing: bool) -> tuple[float, Portrait]:
        """How long an apply takes that nobody disturbs, in seconds, and where it leads."""
        self._prepare(replacing=replacing)
        began = time.monotonic()
        done = _finish(self._begin(["apply", "--yes", "-f", str(self._file)]))
        assert done.returncode == 0, done.stderr
        took = time.monotonic() - began
        portrait = take_portrait(self._wire, "killed")
        self._clear()
        return took, portrait

    def play(self, moment: float, expected: Portrait, *, replacing: bool) -> Kill:
        """Kill the engine `moment` seconds after an apply began, start it again, and apply once more."""
        self._prepare(replacing=replacing)
        apply = self._begin(["apply", "--yes", "-f", str(self._file)])
        time.sleep(moment)
        os.kill(read_listener(str(self._place.socket)), signal.SIGKILL)
        start(self._place)
        spoiled = _finish(apply)
        problem = _find_fault(spoiled) or self._converge(expected)
        self._clear()
        if any(take_portrait(self._wire, "killed").values()):
            problem = problem or f"destroy left {take_portrait(self._wire, 'killed')}"
        return Kill(moment=moment, code=spoiled.returncode, problem=problem)

    def _converge(self, expected: Portrait) -> str:
        again = _finish(self._begin(["apply", "--yes", "-f", str(self._file)]))
        if again.returncode != 0:
            return f"the next apply exited with {again.returncode}: {again.stdout[-400:]}{again.stderr[-600:]}"
        if (found := take_portrait(self._wire, "killed")) != expected:
            return f"the next apply led to {found}"
        plan = _finish(self._begin(["plan", "--detailed-exitcode", "-f", str(self._file)]))
        return "" if plan.returncode == 0 else f"something is left to do after it: {plan.stdout}{plan.stderr}"

    def _prepare(self, *, replacing: bool) -> None:
        text = STACK.replace("IMAGE", self._image)
        self._file.write_text(text)
        if replacing:
            done = _finish(self._begin(["apply", "--yes", "-f", str(self._file)]))
            assert done.returncode == 0, done.stderr
            self._file.write_text(text.replace("ROLE: ONE", "ROLE: TWO"))

    def _clear(self) -> None:
        done = _finish(self._begin(["destroy", "--yes", "--volumes", "--stack", "killed"]))
        assert done.returncode == 0, done.stderr

    def _begin(self, arguments: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "nexusctl", *arguments],
            env={**os.environ, "DOCKER_HOST": self._place.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def play(times: int, report: Callable[[Kill], None]) -> list[Kill]:
    """Kill it `times` times at moments spread over an apply, a fresh one and a replacing one by turns."""
    kills = []
    with second_engine() as (place, image):
        victim = Victim(place, image)
        rehearsals = [victim.rehearse(replacing=replacing) for replacing in (False, True)]
        for number in range(times):
            took, expected = rehearsals[number % 2]
            moment = took * LAST * (number + 0.5) / times
            kills.append(victim.play(moment, expected, replacing=bool(number % 2)))
            report(kills[-1])
    return kills


def _finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    stdout, stderr = process.communicate(timeout=TIMEOUT)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def _find_fault(spoiled: subprocess.CompletedProcess[str]) -> str:
    """What is wrong with how the disturbed apply ended; empty where it rode through or said one clear thing."""
    said = [line for line in spoiled.stderr.splitlines() if line.startswith("error:")]
    if spoiled.returncode not in (0, 1) or "Traceback" in spoiled.stderr or "Errno" in spoiled.stderr:
        return f"it exited with {spoiled.returncode}: {spoiled.stderr}"
    if len(said) != spoiled.returncode:
        return f"it exited with {spoiled.returncode} and said {len(said)} things: {spoiled.stderr}"
    return ""


def main(times: int) -> int:
    def report(kill: Kill) -> None:
        word = kill.problem or ("rode through" if kill.code == 0 else "stopped with one line")
        print(f"killed after {kill.moment:.2f} s: {word}", flush=True)

    kills = play(times, report)
    good = sum(not kill.problem for kill in kills)
    rode = sum(kill.code == 0 for kill in kills)
    print(f"{good} of {times} kills: {rode} rode through, the others said why they stopped; each next apply converged")
    return 0 if good == times else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
