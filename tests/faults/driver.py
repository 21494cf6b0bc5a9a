"""The sweep: spoil every call of every scenario in every way, then see whether one more run puts it right."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nexusctl.engine.docker.wire import Wire
from tests.faults.portrait import Portrait, container_ids, remains, take_portrait
from tests.faults.proxy import KINDS, Fault, Proxy
from tests.faults.scenario import Scenario

STALL = 4
"""Seconds that a client waits for the answer to a call that is stalled."""

TIMEOUT = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One fault in one scenario."""

    scenario: Scenario
    fault: Fault

    def __str__(self) -> str:
        return f"{self.scenario.name}:{self.fault.call}:{self.fault.kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`problem` is empty where the next run converged."""

    point: Point
    request: str
    problem: str


class Driver:
    """Plays scenarios against one engine through a proxy; holds a folder of stack files while inside."""

    def __init__(self, wire: Wire, socket: str, stack: str) -> None:
        self._wire = wire
        self._stack = stack
        self._folder = tempfile.TemporaryDirectory(prefix="nexusctl-faults-")
        self._file = Path(self._folder.name) / "nexus.yaml"
        self._proxy = Proxy(Path(self._folder.name) / "engine.sock", socket)
        self._running: subprocess.Popen[str] | None = None
        self._proxy.victim = lambda: self._running.pid if self._running else None

    def __enter__(self) -> Driver:
        self._proxy.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._run(["destroy", "--yes", "--volumes", "--stack", self._stack])
        self._proxy.__exit__()
        self._folder.cleanup()

    def rehearse(self, scenario: Scenario) -> tuple[int, Portrait]:
        """How many calls the spoiled run makes without a fault, and the state that it leads to."""
        self._prepare(scenario)
        self._proxy.arm(None)
        done = self._run(self._arguments(scenario), spoiled=True)
        assert done.returncode == 0, f"{scenario.name} fails without a fault:\n{done.stdout}{done.stderr}"
        calls = len(self._proxy.calls)
        portrait = take_portrait(self._wire, self._stack)
        self._clear()
        return calls, portrait

    def points(self, scenario: Scenario, calls: int) -> Iterator[Point]:
        for call in range(calls):
            for kind in KINDS:
                yield Point(scenario=scenario, fault=Fault(call=call, kind=kind))

    def judge(self, point: Point, expected: Portrait) -> Verdict:
        """Spoil, run once more, compare; everything is removed afterwards."""
        self._prepare(point.scenario)
        self._proxy.arm(point.fault)
        spoiled = self._run(self._arguments(point.scenario), spoiled=True)
        request = self._proxy.calls[point.fault.call] if self._proxy.fired else "(not reached)"
        self._proxy.arm(None)
        problem = self._examine(point.scenario, expected, spoiled)
        ids = container_ids(self._wire, self._stack)
        self._clear()
        if left := remains(self._wire, self._stack, ids):
            problem = problem or f"destroy left {', '.join(left)}"
        return Verdict(point=point, request=request, problem=problem)

    def _examine(self, scenario: Scenario, expected: Portrait, spoiled: subprocess.CompletedProcess[str]) -> str:
        if "Traceback" in spoiled.stderr or spoiled.returncode == 70:
            return f"the spoiled run met a bug: {spoiled.stderr[-600:]}"
        again = self._run(self._arguments(scenario))
        if again.returncode != 0:
            return f"the next run exited with {again.returncode}: {again.stdout[-400:]}{again.stderr[-600:]}"
        found = take_portrait(self._wire, self._stack)
        if found != expected:
            return f"another state: {_differences(expected, found)}"
        if scenario.verb == "apply":
            plan = self._run(["plan", "--detailed-exitcode", "-f", str(self._file)])
            if plan.returncode != 0:
                return f"the plan after it is not empty: {plan.stdout[-600:]}{plan.stderr[-300:]}"
        return ""

    def _prepare(self, scenario: Scenario) -> None:
        self._clear()
        if scenario.before:
            self._write(scenario.before)
            done = self._run(["apply", "--yes", "-f", str(self._file)])
            assert done.returncode == 0, f"{scenario.name} cannot be prepared:\n{done.stdout}{done.stderr}"
        self._write(scenario.after)

    def _clear(self) -> None:
        self._run(["destroy", "--yes", "--volumes", "--stack", self._stack])

    def _write(self, text: str) -> None:
        self._file.write_text(f"name: {self._stack}\n{text}")

    def _arguments(self, scenario: Scenario) -> list[str]:
        if scenario.verb == "destroy":
            return ["destroy", "--yes", "--volumes", "--stack", self._stack]
        return ["apply", "--yes", "-f", str(self._file)]

    def _run(self, arguments: list[str], *, spoiled: bool = False) -> subprocess.CompletedProcess[str]:
        environ = dict(os.environ)
        if spoiled:
            environ["DOCKER_HOST"] = f"unix://{self._proxy.path}"
            if self._proxy.fault and self._proxy.fault.kind == "stall":
                environ["DOCKER_CLIENT_TIMEOUT"] = str(STALL)
        command = [sys.executable, "-m", "nexusctl", *arguments]
        self._running = subprocess.Popen(
            command, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        try:
            stdout, stderr = self._running.communicate(timeout=TIMEOUT)
            return subprocess.CompletedProcess(command, self._running.returncode, stdout, stderr)
        finally:
            if self._running.poll() is None:
                self._running.kill()
            self._running = None


def _differences(expected: Portrait, found: Portrait) -> str:
    parts = []
    for kind in expected:
        parts += [f"missing {entry}" for entry in expected[kind] if entry not in found[kind]]
        parts += [f"extra {entry}" for entry in found[kind] if entry not in expected[kind]]
    return "; ".join(parts)
