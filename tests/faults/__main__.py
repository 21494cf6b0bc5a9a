"""`python -m tests.faults [PART]`: the whole sweep, or the scenarios whose name contains PART; prints what failed."""

from __future__ import annotations

import sys
import time
from uuid import uuid4

from nexusctl.engine.docker.endpoint import connect
from tests.faults.driver import Driver
from tests.faults.scenario import scenarios

IMAGE = "nexusctl-test/base:1"


def main(part: str) -> int:
    wire = connect()
    socket = wire.endpoint.url.removeprefix("unix://")
    total = failed = 0
    began = time.monotonic()
    with Driver(wire, socket, f"faults-{uuid4().hex[:6]}") as driver:
        for scenario in scenarios(IMAGE):
            if part not in scenario.name:
                continue
            calls, expected = driver.rehearse(scenario)
            bad = 0
            for point in driver.points(scenario, calls):
                verdict = driver.judge(point, expected)
                total += 1
                if verdict.problem:
                    bad += 1
                    print(f"FAILED {point} {verdict.request}\n    {verdict.problem}", flush=True)
            failed += bad
            print(f"{scenario.name}: {calls} calls, {calls * 6 - bad} of {calls * 6} points converge", flush=True)
    print(f"{total - failed} of {total} points converge, in {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
