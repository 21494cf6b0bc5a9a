"""What needs no engine: `--help`, and a plan of thousands on the engine in memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from contestants import find_nexusctl, run
from figure import Figure, Setting, Stopwatch

LARGE = 5000
HELPS = 4
"""How often `--help` runs a round: once is too short to tell."""


def measure_help(setting: Setting) -> list[Figure]:
    watch = Stopwatch()
    for _ in range(setting.rounds * HELPS):
        watch.take("nexusctl", "help", lambda: run([find_nexusctl(), "--help"]))
    return [Figure(what="`--help`", ours=watch.of("nexusctl", "help"), limit=0.1)]


def measure_large_plan(setting: Setting, count: int = LARGE) -> list[Figure]:
    """Each in a process of its own, so that the peak of its memory is its own."""
    whole = [_plan(count) for _ in range(setting.rounds)]
    half = [_plan(count // 2) for _ in range(setting.rounds)]
    times, halves = ([found["seconds"] for found in some] for some in (whole, half))
    growth = sorted(times)[len(times) // 2] / sorted(halves)[len(halves) // 2]
    return [
        Figure(
            what=f"plan of {count:,} new sandboxes on the engine in memory",
            remark=f"{growth:.1f} times that of {count // 2:,}",
            ours=times,
            limit=2.0,
        ),
        Figure(
            what="its peak of memory, interpreter included",
            ours=[found["mebibytes"] for found in whole],
            limit=300,
            unit="MiB",
        ),
    ]


def _plan(count: int) -> dict[str, float]:
    script = Path(__file__).with_name("large_plan.py")
    done = subprocess.run([sys.executable, str(script), str(count)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{script.name} exited with {done.returncode}:\n{done.stderr.strip()}")
    found: dict[str, float] = json.loads(done.stdout)
    return found
