"""Commands in a sandbox: watched to their end beside `docker exec`, and how soon a follower sees what one prints."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass

from contestants import COMMAND, Nexusctl, find_nexusctl, run
from figure import Against, Figure, Setting, Stopwatch, cleared, note, turns

# The first line is printed when a follower is there, and says when that was by the clock that both have.
FIRST_LINE = "sleep 2; date +%s.%N; sleep 1"


@dataclass(frozen=True)
class _Runner:
    name: str
    words: tuple[str, ...]

    def execute(self) -> None:
        run([*self.words, "true"])


def measure_exec(setting: Setting) -> list[Figure]:
    watch = Stopwatch()
    ours = _make(setting)
    with cleared(ours.destroy):
        ours.apply()
        container = ours.find_containers()["box"]
        runners = [
            _Runner("nexusctl", (find_nexusctl(), "exec", "--stack", setting.stack, "box")),
            _Runner("docker", ("docker", "exec", container)),
        ]
        for who in turns("exec", runners, setting.rounds):
            watch.take(who.name, "exec", who.execute)
    theirs = Against("`docker exec`", watch.of("docker", "exec"), 1.3)
    return [Figure(what="`exec NAME true`", ours=watch.of("nexusctl", "exec"), against=(theirs,))]


def measure_first_line(setting: Setting) -> list[Figure]:
    ours, seconds = _make(setting), []
    with cleared(ours.destroy):
        ours.apply()
        for number in range(setting.rounds):
            note(f"first line, round {number + 1} of {setting.rounds}")
            seconds.append(_follow(setting.stack))
    return [Figure(what="a line of a detached command at its follower", ours=seconds, limit=0.2)]


def _make(setting: Setting) -> Nexusctl:
    return Nexusctl(setting.folder, setting.stack, {"box": {"image": setting.image, "command": COMMAND}})


def _follow(stack: str) -> float:
    """Seconds from the moment that a line is printed to the one at which a follower has it."""
    words = [find_nexusctl(), "exec", "--detach", "--stack", stack, "box", "sh", "-c", FIRST_LINE]
    begun = subprocess.run(words, capture_output=True, text=True, check=False)
    if begun.returncode:
        raise RuntimeError(begun.stderr.strip())
    follow = [find_nexusctl(), "logs", "--execution", begun.stdout.strip(), "--follow"]
    with subprocess.Popen(follow, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        line = follower.stdout.readline()
        seen = time.time()
    if not line:
        raise RuntimeError("the follower has seen nothing")
    return seen - float(line)
