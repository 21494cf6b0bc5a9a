"""Measures nexusctl, docker compose and the bare engine side by side, in one run, with the same sandboxes.

The contestants take turns, and another one begins each round, so that a slow minute of the machine hits all of
them. Every figure is the median of the rounds, in seconds of wall time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import daemon
from contestants import COMMAND, Contestant, choose_contestants, find_nexusctl, read_compose_version, run
from packages import SEVEN, Installed, measure_installs

ACTS = ("apply", "no-op", "destroy")
Seconds = tuple[float, float, float]
"""One round: the seconds of each act."""

Times = dict[str, list[Seconds]]
"""The rounds of each contestant."""


def main() -> int:
    options = read_options()
    stack = f"bench-{uuid.uuid4().hex[:6]}"
    with tempfile.TemporaryDirectory(prefix="nexusctl-bench-") as name:
        folder = Path(name)
        image = options.image or find_image(folder, stack)
        print(describe_machine(image, options.rounds))
        for size in options.sizes:
            print(f"\n{format_table(size, measure(folder, stack, image, size, options.rounds))}", flush=True)
        if not options.no_packages:
            print(f"\n{format_installs(measure_installs(folder, stack, options.installs))}")
    return 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each contestant runs (default 3)")
    parser.add_argument("--sizes", type=parse_sizes, default=(10, 100), help="sandboxes, such as 10,100")
    parser.add_argument("--image", default="", help="an image that is there (default: the template base)")
    parser.add_argument("--installs", type=int, default=100, help="sandboxes that share their packages (default 100)")
    parser.add_argument("--no-packages", action="store_true", help="leave the measure of packages out")
    return parser.parse_args()


def parse_sizes(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def find_image(folder: Path, stack: str) -> str:
    """The image that the template `base` gives here; made where it is missing."""
    file = folder / "base.yaml"
    file.write_text(json.dumps({"name": stack, "sandboxes": {"one": {"template": "base", "command": COMMAND}}}))
    try:
        run([find_nexusctl(), "apply", "--yes", "-f", str(file)])
        (found,) = daemon.find_labelled("containers/json", f"dev.nexusctl.stack={stack}")
    finally:
        run([find_nexusctl(), "destroy", "--yes", "-f", str(file)])
    return str(found["Image"])


def measure(folder: Path, stack: str, image: str, size: int, rounds: int) -> Times:
    contestants: list[Contestant] = [kind(folder, stack, image, size) for kind in choose_contestants()]
    times: Times = defaultdict(list)
    for turn in range(rounds):
        first = turn % len(contestants)
        for contestant in contestants[first:] + contestants[:first]:
            print(f"{size} sandboxes, round {turn + 1} of {rounds}: {contestant.name}", file=sys.stderr, flush=True)
            try:
                times[contestant.name].append(measure_round(contestant))
            except RuntimeError as error:
                # A tired engine can refuse anybody once; the other rounds still tell.
                print(f"this round does not count: {error}", file=sys.stderr, flush=True)
    if missing := [contestant.name for contestant in contestants if not times[contestant.name]]:
        sys.exit(f"error: no round of {', '.join(missing)} with {size} sandboxes came to its end")
    return times


def measure_round(contestant: Contestant) -> Seconds:
    """Raises RuntimeError where the contestant fails; what it made is gone then all the same, or tried to be."""
    try:
        return take_time(contestant.apply), take_time(contestant.apply), take_time(contestant.destroy)
    except BaseException:
        with suppress(RuntimeError):
            contestant.destroy()
        raise


def take_time(act: Callable[[], None]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def describe_machine(image: str, rounds: int) -> str:
    engine = daemon.call("GET", "/version")
    compose = read_compose_version() or "not installed"
    return (
        f"{os.cpu_count()} cores, engine {engine['Version']}, docker compose {compose}, image {image}, "
        f"median of {rounds}, seconds"
    )


def format_table(size: int, times: Times) -> str:
    medians = {name: [statistics.median(act) for act in zip(*rounds, strict=True)] for name, rounds in times.items()}
    rows = [[f"{size} sandboxes", *ACTS]]
    rows += [[name, *(f"{value:.2f}" for value in values)] for name, values in medians.items()]
    rows += [
        [f"nexusctl / {other}", *(format_ratio(*pair) for pair in zip(medians["nexusctl"], values, strict=True))]
        for other, values in medians.items()
        if other != "nexusctl"
    ]
    return "\n".join(f"{row[0]:<20}" + "".join(f"{cell:>10}" for cell in row[1:]) for row in rows)


def format_ratio(ours: float, theirs: float) -> str:
    """How many times as long; nothing where the other had nothing to do but one call."""
    return f"{ours / theirs:.2f}" if theirs > 0.05 else "-"


def format_installs(found: Installed) -> str:
    return (
        f"{found.count} sandboxes with the same {len(SEVEN)} npm packages: applied in {found.seconds:.1f} s, "
        f"installed {found.builders} time{'' if found.builders == 1 else 's'}"
    )


if __name__ == "__main__":
    sys.exit(main())
