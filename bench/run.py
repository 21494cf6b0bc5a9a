"""Measures nexusctl, docker compose and the bare engine side by side, in one run, with the same sandboxes.

The contestants take turns, and another one begins each round, so that a slow minute of the machine hits all of them.
A time is the median of the rounds, in seconds of wall time; a ratio is the median of the ratios of each round. A row
that fails says why, and the others go on; the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import daemon
from chain import measure_chain
from contestants import COMMAND, find_nexusctl, read_compose_version, run
from copies import measure_copies
from crowd import measure_crowd
from executing import measure_exec, measure_first_line
from figure import Figure, Setting, format_table, note
from fleet import measure_fleet, measure_looks, measure_status
from packages import measure_one_more, measure_sharing
from startup import measure_help, measure_large_plan
from uploads import measure_many_files, measure_upload
from watching import measure_watch

Row = Callable[[Setting], list[Figure]]

ROWS: dict[str, Row] = {
    "help": measure_help,
    "large-plan": measure_large_plan,
    "no-op-10": lambda setting: measure_looks(setting, 10, 2.0, together=True),
    "fleet": measure_fleet,
    "chain": measure_chain,
    "upload": measure_upload,
    "many-files": measure_many_files,
    "watch": measure_watch,
    "package": measure_one_more,
    "sharing": measure_sharing,
    "stacks": measure_crowd,
    "exec": measure_exec,
    "first-line": measure_first_line,
    "cp": measure_copies,
    "status": measure_status,
    # Two thousand at once would take more memory than most machines have.
    "no-op-1000": lambda setting: measure_looks(setting, 1000, 0.5, together=False),
}
"""What can be measured, each a line of the table or several that come from the same rounds."""


def main() -> int:
    options = read_options()
    stack = options.stack or f"bench-{uuid.uuid4().hex[:6]}"
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="nexusctl-bench-") as name:
        folder = Path(name)
        image = options.image or find_image(folder, stack)
        figures: dict[str, Sequence[Figure]] = {}
        failures: dict[str, str] = {}
        for row in options.rows:
            own = folder / row
            own.mkdir()
            setting = Setting(own, f"{stack}-{row}", image, rounds=options.rounds, many=options.many)
            try:
                figures[row] = ROWS[row](setting)
            except (RuntimeError, OSError) as error:
                failures[row] = str(error)
                note(f"error: row {row}: {error}")
    minutes = (time.perf_counter() - began) / 60
    print(f"{describe_machine(image, options.rounds)}, {minutes:.0f} minutes\n\n{format_table(figures)}")
    for row, reason in failures.items():
        print(f"\nNot measured: {row}: {reason}")
    return 1 if failures else 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often each contestant runs (default 5)")
    parser.add_argument("--rows", type=parse_rows, default=tuple(ROWS), help=f"some of: {','.join(ROWS)}")
    parser.add_argument(
        "--many",
        type=int,
        default=100,
        help="sandboxes in the rows about many (default 100); `cp` has 10 MiB and 100 files for each",
    )
    parser.add_argument("--stack", default="", help="what the names of all stacks begin with (default: one of its own)")
    parser.add_argument("--image", default="", help="an image that is there (default: the template base)")
    return parser.parse_args()


def parse_rows(text: str) -> tuple[str, ...]:
    rows = tuple(text.split(","))
    if unknown := [row for row in rows if row not in ROWS]:
        raise argparse.ArgumentTypeError(f"no row is called {', '.join(unknown)}; there are {', '.join(ROWS)}")
    return rows


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


def describe_machine(image: str, rounds: int) -> str:
    engine = daemon.call("GET", "/version")
    compose = read_compose_version() or "not installed"
    return (
        f"{os.cpu_count()} cores, engine {engine['Version']}, docker compose {compose}, image {image}, "
        f"median of {rounds}"
    )


if __name__ == "__main__":
    sys.exit(main())
