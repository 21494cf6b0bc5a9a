"""An engine that is killed in mid-apply and started again: `python -m tests.daemon.kills TIMES`; a test does it twice.

The engine is one of its own. Each time an apply is begun, the engine is killed at another moment of it and started
again at once. The apply rides through or says in one clear line why it stopped; the next one converges.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nexusctl.engine.docker.client.client import Endpoint, Wire
from nexusctl.engine.docker.client.endpoint import connect, negotiate
from nexusctl.engine.docker.host.machine_facts import read_listener
from tests.daemon.layers import lay_images
from tests.daemon.test_engine_daemon import Second, clear
from tests.faults.nexus import DATA, Nexusctl
from tests.faults.player import Done, Player
from tests.faults.portrait import Portrait
from tests.images import require_base_image

STACK = f"""{DATA}
  api:
    image: IMAGE
    command: [sleep, infinity]
    uploads: [{{content: one, target: /srv/one.txt}}]
    depends_on: [db]
  web:
    image: IMAGE
    command: [sleep, infinity]
    depends_on: [api]
  agent:
    image: IMAGE
    command: [sleep, infinity]
    env: {{ROLE: ONE}}
    replicas: 3
"""

LAST = 1.1
"""The last moment, as a share of what an apply takes: a little after its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """What became of one: `moment` in seconds since the apply began, the exit code of it, what went wrong."""

    moment: float
    code: int
    problem: str


@contextmanager
def second_engine(prepare: Callable[[Path], None] = lambda folder: None) -> Iterator[tuple[Second, str]]:
    """An engine of its own, and the image on it that the stack runs; `prepare` gets its folder before it starts."""
    wire = connect()
    image = require_base_image(wire)
    # A socket's path may have 107 bytes.
    place = Second(Path(tempfile.mkdtemp(prefix="kills-")))
    try:
        prepare(place.folder)
        lay_images(wire, place.folder / "data", image)
        start(place)
        yield place, image
    finally:
        clear(place)


def far(place: Second) -> Wire:
    return Wire(negotiate(Endpoint(url=place.url, source="test")))


def start(place: Second) -> None:
    started = place.start()
    assert started.returncode == 0, started.stderr


class Victim:
    """A stack on an engine that is killed while nexusctl works on it."""

    def __init__(self, place: Second, image: str) -> None:
        self._place = place
        self._player = Player(far(place), Nexusctl(), place.folder, "killed")
        self._text = STACK.replace("IMAGE", image)

    def rehearse(self, *, replacing: bool) -> tuple[float, Portrait]:
        """How long an apply takes that nobody disturbs, in seconds, and where it leads."""
        self._prepare(replacing=replacing)
        began = time.monotonic()
        done = self._player.run(self._player.apply)
        assert done.returncode == 0, done.stderr
        took = time.monotonic() - began
        portrait = self._player.take_portrait()
        self._clear()
        return took, portrait

    def play(self, moment: float, expected: Portrait, *, replacing: bool) -> Kill:
        """Kill the engine `moment` seconds after an apply began, start it again, and apply once more."""
        self._prepare(replacing=replacing)
        self._player.begin(self._player.apply)
        time.sleep(moment)
        os.kill(read_listener(str(self._place.socket)), signal.SIGKILL)
        start(self._place)
        spoiled = self._player.finish()
        problem = _find_fault(spoiled) or self._player.judge(self._player.run(self._player.apply), expected)
        self._clear()
        if any((left := self._player.take_portrait()).values()):
            problem = problem or f"destroy left {left}"
        return Kill(moment=moment, code=spoiled.returncode, problem=problem)

    def _prepare(self, *, replacing: bool) -> None:
        if replacing:
            self._player.prepare(self._text)
        self._player.write(self._text.replace("ROLE: ONE", "ROLE: TWO") if replacing else self._text)

    def _clear(self) -> None:
        done = self._player.run(self._player.destroy)
        assert done.returncode == 0, done.stderr


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


def _find_fault(spoiled: Done) -> str:
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
