"""Several nexusctl at once on one stack: `python -m tests.e2e.rivals ROUNDS` plays many rounds, a test plays a few.

Each of them reaches the engine through a proxy of its own, which notes when it wrote. So that one wrote at a time is
seen from outside: on one stack, no two of these spans overlap.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.client.endpoint import connect
from nexusctl.engine.labels import SANDBOX, STACK
from nexusctl.model.engine_names import lock_name
from tests.faults.proxy import Call, Proxy
from tests.images import require_base_image
from tests.ranges import make_network

NEXUSCTL = [sys.executable, "-m", "nexusctl"]

_STACK = """
name: {stack}
networks:
  shared: {{external: {network}}}
sandboxes:
  api: {{image: "{image}", command: [sleep, infinity], networks: [default, shared]}}
  web: {{image: "{image}", command: [sleep, infinity], depends_on: [api]}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What became of one round: how many took part, how many of them wrote, and what went wrong."""

    rivals: int
    writers: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """One nexusctl that has ended."""

    stack: str
    code: int
    stdout: str
    stderr: str
    calls: tuple[Call, ...]

    @property
    def span(self) -> tuple[float, float] | None:
        """From its first write to the end of its last, the lock's own calls left out; None where it wrote nothing."""
        # These stacks have no volume but the lock.
        writes = [call for call in self.calls if "/volumes/" not in call.request]
        return (min(call.began for call in writes), max(call.ended for call in writes)) if writes else None


def play_round(wire: Wire, image: str, folder: Path, chance: random.Random) -> Round:
    """Two stacks on one shared network, two to eight applies at once and perhaps a destroy."""
    network = f"rivals-{uuid4().hex[:6]}"
    make_network(wire, network)
    stacks = [f"{network}-a", f"{network}-b"]
    for stack in stacks:
        (folder / f"{stack}.yaml").write_text(_STACK.format(stack=stack, network=network, image=image))
    with_destroy = chance.random() < 0.5
    calls = [(stacks[0], _apply(folder, stacks[0])) for _ in range(chance.randint(2, 8))]
    calls.append((stacks[1], _apply(folder, stacks[1])))
    if with_destroy:
        calls.insert(chance.randrange(len(calls)), (stacks[0], _destroy(stacks[0])))
    rivals = _compete(wire, folder, calls)
    problems = _judge(rivals, stacks, with_destroy=with_destroy)
    for stack in stacks:
        problems += _settle(wire, folder, stack)
    wire.delete(f"/networks/{network}")
    return Round(rivals=len(rivals), writers=sum(rival.span is not None for rival in rivals), problems=tuple(problems))


def _compete(wire: Wire, folder: Path, calls: list[tuple[str, list[str]]]) -> list[Rival]:
    """Run all `calls` at once, each through a proxy of its own."""
    engine = wire.endpoint.url.removeprefix("unix://")
    with ExitStack() as open_proxies:
        proxies = [open_proxies.enter_context(Proxy(folder / f"{n}.sock", engine)) for n in range(len(calls))]
        running = [
            subprocess.Popen(
                call,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "DOCKER_HOST": f"unix://{proxy.path}"},
            )
            for (_, call), proxy in zip(calls, proxies, strict=True)
        ]
        outputs = [process.communicate(timeout=300) for process in running]
    return [
        Rival(stack=stack, code=process.returncode, stdout=out, stderr=err, calls=tuple(proxy.calls))
        for (stack, _), process, (out, err), proxy in zip(calls, running, outputs, proxies, strict=True)
    ]


def _is_raw(text: str) -> bool:
    """Whether it shows what only a programmer understands; 409 may be a time in milliseconds, too."""
    return "Traceback" in text or re.search(r"\b409\b(?! ms)", text) is not None


def _judge(rivals: list[Rival], stacks: list[str], *, with_destroy: bool) -> list[str]:
    problems = [f"exit {rival.code}: {rival.stdout}{rival.stderr}" for rival in rivals if rival.code != 0]
    problems += [f"a raw conflict: {rival.stderr}" for rival in rivals if _is_raw(rival.stderr)]
    if not with_destroy:
        creators = Counter(rival.stack for rival in rivals if "2 created" in rival.stdout)
        problems += [f"{creators[stack]} of the applies made {stack}" for stack in stacks if creators[stack] != 1]
    for stack in stacks:
        spans = sorted(rival.span for rival in rivals if rival.stack == stack and rival.span)
        problems += [f"two wrote {stack} at once" for (_, end), (begin, _) in pairwise(spans) if begin < end]
    return problems


def _settle(wire: Wire, folder: Path, stack: str) -> list[str]:
    """One more apply has to leave one container a sandbox, one network and no lock; a destroy ends the round."""
    subprocess.run(_apply(folder, stack), check=True, capture_output=True)
    ours = {"filters": {"label": [f"{STACK}={stack}"]}}
    names = sorted(entry["Labels"][SANDBOX] for entry in wire.get("/containers/json", {"all": True, **ours}))
    networks = [entry["Name"] for entry in wire.get("/networks", ours)]
    volumes = [entry["Name"] for entry in wire.get("/volumes", ours)["Volumes"] or []]
    subprocess.run(_destroy(stack), check=True, capture_output=True)
    problems = [] if names == ["api", "web"] else [f"{stack} has {names}"]
    problems += [] if networks == [f"{stack}_default"] else [f"{stack} has the networks {networks}"]
    return problems + ([f"{lock_name(stack)} was left behind"] if volumes else [])


def _apply(folder: Path, stack: str) -> list[str]:
    return [*NEXUSCTL, "apply", "--yes", "--lock-timeout", "5m", "-f", str(folder / f"{stack}.yaml")]


def _destroy(stack: str) -> list[str]:
    return [*NEXUSCTL, "destroy", "--yes", "--lock-timeout", "5m", "--ignore-missing", "--stack", stack]


def main(rounds: int) -> int:
    wire, chance = connect(), random.Random(7)
    image = require_base_image(wire)
    played = []
    with tempfile.TemporaryDirectory(prefix="rivals-") as name:
        for number in range(rounds):
            played.append(play_round(wire, image, Path(name), chance))
            for problem in played[-1].problems:
                print(f"round {number}: {problem}", flush=True)
    good = sum(not one.problems for one in played)
    print(
        f"{good} of {rounds} rounds: one writer at a time, no duplicate, no raw conflict "
        f"({sum(one.rivals for one in played)} rivals, {sum(one.writers for one in played)} of them wrote)"
    )
    return 0 if good == rounds else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
