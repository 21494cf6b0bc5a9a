"""Many stacks brought up at once, beside each other: `python -m tests.stacks.instances [NAME[*COUNT]...]`.

A NAME is a folder of `stacks`, brought up from a copy of it; `NAME*COUNT` stands for so many instances of that copy,
beside the copy itself where it is named, too. Without any it is ten instances of `regions`, and then all stacks with
some instances. What is published stands at fixed ports of this machine.

Every service of each runs and is healthy then, every task is done, what is published has a port of its own, a plan is
empty, and when all were destroyed at once nothing is left.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from json import loads
from pathlib import Path
from typing import Any

from nexusctl.engine.docker.client.endpoint import connect
from tests.images import require_base_image
from tests.secrets.vault_server import serve_vault
from tests.stacks.preparations import Ready, Surroundings, prepare
from tests.stacks.stack_copy import STACKS, StackCopy, copy_stack

SETS = (("regions*10",), (*sorted(file.parent.name for file in STACKS.glob("*/nexus.yaml")), "regions*2", "hello*2"))

LONGEST = 1800.0
"""Seconds that one command may take beside all others, on a machine with other work."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One copy, or one instance of it."""

    copy: StackCopy
    ready: Ready
    instance: str = ""

    @property
    def stack(self) -> str:
        return f"{self.copy.stack}.{self.instance}" if self.instance else self.copy.stack

    def run(self, verb: str, *words: str) -> str:
        which = ("--instance", self.instance) if self.instance else ()
        command = (verb, *words, *self.ready.options, *which)
        return self.copy.nexusctl(*command, timeout=LONGEST, environ=self.ready.environ)

    def ask(self, verb: str, *words: str) -> Any:
        return loads(self.run(verb, *words, "--json"))

    def clear(self) -> None:
        """Without its file, and whatever there is of it."""
        self.copy.nexusctl("destroy", "--yes", "--volumes", "--ignore-missing", "--stack", self.stack, timeout=LONGEST)

    def check(self) -> list[int]:
        """Raise `SystemExit` unless all of it is there, well, and planned as it is; returns its ports."""
        boxes = self.ask("status")["sandboxes"]
        wrong = [box for box in boxes if not _is_well(box)]
        require(bool(boxes) and not wrong, f"{self.stack}: {wrong or 'it has no sandboxes'}")
        require(self.ask("plan", *self.ready.locked)["empty"], f"the plan of {self.stack} is not empty")
        if self.copy.folder.name == "regions":
            self._check_gateway()
        return [port["host"] for box in boxes for port in box["ports"]]

    def _check_gateway(self) -> None:
        url = self.ask("output", "url")["outputs"]["url"]["value"]
        token = {"Authorization": "Bearer only-for-trying"}
        with urllib.request.urlopen(urllib.request.Request(url, headers=token), timeout=60) as answer:
            text = answer.read().decode()
        require(f"({self.stack}, " in text, f"{self.stack} says {text}")


def _is_well(box: Mapping[str, Any]) -> bool:
    if box["kind"] == "task":
        return bool(box["exit_code"] == 0)
    return box["state"] == "running" and box["health"] in ("none", "healthy")


def gather(names: Iterable[str], within: ExitStack, folder: Path) -> list[Member]:
    """All that `names` stand for, ready to be applied; what is left of any is removed with `within`."""
    wire, vault = connect(), within.enter_context(serve_vault())
    around = Surroundings(image=require_base_image(wire), vault=vault, path=os.environ["PATH"])
    made: dict[str, Member] = {}
    members = []
    for text in names:
        name, star, count = text.partition("*")
        if name not in made:
            copy = within.enter_context(copy_stack(name, folder, wire))
            made[name] = Member(copy=copy, ready=prepare(copy, around))
        first = made[name]
        if not star:
            members.append(first)
        for number in range(int(count or 0)):
            letter = chr(ord("a") + number % 26)
            member = Member(copy=first.copy, ready=first.ready, instance=f"{letter}{number}")
            within.callback(member.clear)
            members.append(member)
    return members


def at_once(members: Sequence[Member], act: Callable[[Member], object]) -> list[float]:
    """`act` on all of them at the same time; the seconds that each took. Raises `SystemExit` with what was wrong."""

    def do(member: Member) -> float | str:
        begin = time.monotonic()
        try:
            act(member)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            return f"{member.stack}: {error}"
        return time.monotonic() - begin

    with ThreadPoolExecutor(len(members)) as pool:
        found = list(pool.map(do, members))
    wrong = [one for one in found if isinstance(one, str)]
    require(not wrong, "\n".join(wrong))
    return [one for one in found if isinstance(one, float)]


def check(members: Sequence[Member]) -> int:
    """Each alone, and that none meets another; returns how many sandboxes they have."""
    ports = [port for member in members for port in member.check()]
    require(len(ports) == len({*ports}), f"their ports are {sorted(ports)}")
    for copy in {member.copy.stack: member.copy for member in members}.values():
        listed = {row["instance"] for row in loads(copy.nexusctl("instances", copy.stack, "--json"))["instances"]}
        wanted = {member.instance for member in members if member.copy is copy and member.instance}
        require(listed == wanted, f"listed are {sorted(listed)}")
    return sum(len(member.ask("status")["sandboxes"]) for member in members)


def find_left(stack: str) -> list[str]:
    """What the engine has of a stack and of all its instances, locks too."""
    found = []
    for kind, words in (("container", ["-a", "--format", "{{.Names}}"]), ("network", []), ("volume", [])):
        command = ["docker", kind, "ls", *(words or ["--format", "{{.Name}}"]), "--filter", f"name={stack}"]
        found += subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return found


def require(holds: bool, problem: str) -> None:
    if not holds:
        raise SystemExit(problem)


def play(names: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as within:
        members = gather(names, within, Path(folder))
        begin = time.monotonic()
        took = at_once(members, lambda member: member.run("apply", "--yes", *member.ready.locked))
        up = time.monotonic() - begin
        for member, seconds in zip(members, took, strict=True):
            print(f"  {re.sub('-[0-9a-f]{8}', '', member.stack)}: up after {seconds:.1f} s", flush=True)
        count = check(members)
        begin = time.monotonic()
        at_once(members, lambda member: member.run("destroy", "--yes", "--volumes"))
        gone = time.monotonic() - begin
        left = [name for member in members for name in find_left(member.copy.stack)]
        require(left == [], f"left are {left}")
    print(
        f"{len(members)} at once, {count} sandboxes: up in {up:.1f} s, each well, all ports apart, every plan empty; "
        f"gone in {gone:.1f} s, nothing is left",
        flush=True,
    )


def main() -> None:
    for names in (tuple(sys.argv[1:]),) if sys.argv[1:] else SETS:
        print(" ".join(names), flush=True)
        play(names)


if __name__ == "__main__":
    main()
