"""A process with a hash seed of its own that makes plans: `Reader` asks it, this file run as a program is it."""

from __future__ import annotations

import os
import pickle
import struct
import subprocess
import sys
from typing import BinaryIO

from nexusctl.errors import PlanError
from nexusctl.model.observed.live import LiveState
from nexusctl.model.stack import Stack
from nexusctl.plan.plan import make_plan
from nexusctl.render.plan.plan import render_plan

_LENGTH = struct.Struct("!I")


class Reader:
    def __init__(self, seed: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.plan.reader"],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def read(self, stack: Stack, live: LiveState, in_place: frozenset[str]) -> str:
        """The plan as text, and each of its steps with its needs."""
        assert self._process.stdin
        assert self._process.stdout
        _send(self._process.stdin, pickle.dumps((stack, live, in_place)))
        return _receive(self._process.stdout).decode()

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def _send(stream: BinaryIO, data: bytes) -> None:
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def _receive(stream: BinaryIO) -> bytes:
    """Empty at the end of the stream."""
    head = stream.read(_LENGTH.size)
    return stream.read(_LENGTH.unpack(head)[0]) if head else b""


def main() -> None:
    while data := _receive(sys.stdin.buffer):
        stack, live, in_place = pickle.loads(data)
        _send(sys.stdout.buffer, describe(stack, live, in_place).encode())


def describe(stack: Stack, live: LiveState, in_place: frozenset[str]) -> str:
    try:
        plan = make_plan(stack, live, in_place)
    except PlanError as error:
        return str(error)
    steps = "".join(f"{type(step).__name__} {step.id} <- {', '.join(step.needs)}\n" for step in plan.steps)
    return f"{render_plan(plan)}{steps}{', '.join(plan.unchanged)}"


if __name__ == "__main__":
    main()
