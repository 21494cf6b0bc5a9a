"""Several nexusctl at once on one stack: `python -m tests.e2e.rivals ROUNDS` plays many rounds, a test plays a few."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from uuid import uuid4

from nexusctl.engine.docker.endpoint import connect
from nexusctl.engine.docker.wire import Wire
from nexusctl.engine.labels import SANDBOX, STACK

NEXUSCTL = [sys.executable, "-m", "nexusctl"]

_STACK = """
name: {stack}
networks:
  shared: {{external: {network}}}
sandboxes:
  api: {{image: "{image}", command: [sleep, infinity], networks: [default, shared]}}
  web: {{image: "{image}", command: [sleep, infinity], depends_on: [api]}}
"""


def play_round(wire: Wire, image: str, folder: Path, chance: random.Random) -> list[str]:
    """Two stacks on one shared network, two to eight applies at once and perhaps a destroy; returns what went wrong."""
    network = f"rivals-{uuid4().hex[:6]}"
    wire.post("/networks/create", {"Name": network})
    stacks = [f"{network}-a", f"{network}-b"]
    for stack in stacks:
        (folder / f"{stack}.yaml").write_text(_STACK.format(stack=stack, network=network, image=image))
    with_destroy = chance.random() < 0.5
    calls = [(stacks[0], _apply(folder, stacks[0])) for _ in range(chance.randint(2, 8))]
    calls.append((stacks[1], _apply(folder, stacks[1])))
    if with_destroy:
        calls.insert(chance.randrange(len(calls)), (stacks[0], _destroy(stacks[0])))
    running = [(stack, subprocess.Popen(call, **_PIPES)) for stack, call in calls]  # type: ignore[call-overload]
    outputs = [(stack, process.communicate(timeout=300), process.returncode) for stack, process in running]
    problems = [f"exit {code}: {out}{err}" for _, (out, err), code in outputs if code != 0]
    problems += [f"a raw conflict: {err}" for _, (_, err), _ in outputs if "409" in err or "Traceback" in err]
    if not with_destroy:
        creators = Counter(stack for stack, (out, _), _ in outputs if "2 created" in out)
        problems += [f"{creators[stack]} of the applies made {stack}" for stack in stacks if creators[stack] != 1]
    for stack in stacks:
        subprocess.run(_apply(folder, stack), check=True, capture_output=True)
        listed = wire.get("/containers/json", {"filters": {"label": [f"{STACK}={stack}"]}})
        names = sorted(entry["Labels"][SANDBOX] for entry in listed)
        problems += [] if names == ["api", "web"] else [f"{stack} has {names}"]
        subprocess.run(_destroy(stack), check=True, capture_output=True)
    wire.delete(f"/networks/{network}")
    return problems


_PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


def _apply(folder: Path, stack: str) -> list[str]:
    return [*NEXUSCTL, "apply", "--yes", "--lock-timeout", "5m", "-f", str(folder / f"{stack}.yaml")]


def _destroy(stack: str) -> list[str]:
    return [*NEXUSCTL, "destroy", "--yes", "--lock-timeout", "5m", "--stack", stack]


def main(rounds: int) -> int:
    wire, chance, failed = connect(), random.Random(7), 0
    with tempfile.TemporaryDirectory() as name:
        for number in range(rounds):
            problems = play_round(wire, "nexusctl-test/base:1", Path(name), chance)
            failed += bool(problems)
            for problem in problems:
                print(f"round {number}: {problem}", flush=True)
    print(f"{rounds - failed} of {rounds} rounds: one writer at a time, no duplicate, no raw conflict")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
