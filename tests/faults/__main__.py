"""`python -m tests.faults`: the whole sweep, nexusctl and docker compose side by side; prints what failed."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable

from nexusctl.engine.docker.client.endpoint import connect
from tests.faults.campaign import Choice, Tally, render_tallies, run_campaign
from tests.faults.compose import Compose
from tests.faults.driver import Verdict
from tests.faults.nexus import Nexusctl
from tests.faults.tool import Tool
from tests.images import require_base_image

TOOLS: dict[str, Tool] = {"nexusctl": Nexusctl(), "compose": Compose()}


def main(arguments: list[str]) -> int:
    options = _parse(arguments)
    wire = connect()
    image = require_base_image(wire)
    choice = Choice(parts=tuple(options.parts or [""]), sample=options.sample, seed=options.seed)
    tallies: list[Tally] = []
    for name in options.tool or list(TOOLS):
        tool = TOOLS[name]
        if problem := tool.find_problem():
            print(f"{name} is left out: {problem}", flush=True)
            continue
        began = time.monotonic()
        report = _reporter(name, verbose=options.verbose)
        tallies.append(run_campaign(wire, tool, image, choice, options.lanes, report))
        print(f"{name}: {len(tallies[-1].verdicts)} points in {time.monotonic() - began:.0f} s", flush=True)
    print(render_tallies(tallies))
    return 0 if all(tally.whole for tally in tallies if tally.tool == "nexusctl") else 1


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("parts", nargs="*", help="only scenarios whose name contains one of these, such as replace")
    parser.add_argument("--tool", action="append", choices=TOOLS, help="only this one; may be repeated")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="N points of each tool instead of all")
    parser.add_argument("--seed", type=int, default=20240229, help="which points a sample draws")
    parser.add_argument("--lanes", type=int, default=os.cpu_count() or 2, help="points played at once")
    parser.add_argument("--verbose", action="store_true", help="a line for each point, not for failures alone")
    return parser.parse_args(arguments)


def _reporter(tool: str, *, verbose: bool) -> Callable[[Verdict], None]:
    mutex = threading.Lock()

    def report(verdict: Verdict) -> None:
        with mutex:
            if not verdict.request:
                print(f"{tool} MISSED {verdict.point}: the call never came {verdict.problem}", flush=True)
            elif verdict.problem:
                print(f"{tool} FAILED {verdict.point} {verdict.request}\n    {verdict.problem}", flush=True)
            elif verbose:
                print(f"{tool} ok {verdict.point} {verdict.request}", flush=True)

    return report


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
