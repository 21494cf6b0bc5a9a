"""The sweep: spoil every call of every scenario in every way, then see whether one more run puts it right."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import EngineError
from tests.faults.player import TIMEOUT, Done, Player
from tests.faults.portrait import Portrait, list_environments, list_networks
from tests.faults.proxy import KINDS, Fault, Proxy
from tests.faults.scenario import Scenario
from tests.faults.tool import Tool
from tests.faults.traces import Traces
from tests.ports import free_port

STALL = 8
"""Seconds that a client waits for the answer to a call that is stalled."""

PATIENCE = 20
"""Seconds after which a user presses Ctrl-C where a tool waits for such an answer for ever."""

TRIES = 4
"""How often a point is played whose call does not come: the number of looks at a health check differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One fault in one scenario."""

    scenario: Scenario
    fault: Fault

    def __str__(self) -> str:
        return f"{self.scenario.name}:{self.fault.call}:{self.fault.kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`problem` is empty where the next run converged, `request` where the call never came.

    `miscounts` says how often the point was played again because the engine itself had lost count of a network.
    """

    point: Point
    request: str
    problem: str
    miscounts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """How many calls a scenario makes without a fault, and the state that it leads to."""

    scenario: Scenario
    calls: int
    portrait: Portrait

    def points(self) -> Iterator[Point]:
        for call in range(self.calls):
            for kind in KINDS:
                yield Point(scenario=self.scenario, fault=Fault(call=call, kind=kind))


def name_stack() -> str:
    return f"faults-{uuid4().hex[:8]}"


class Driver:
    """Plays scenarios with one tool through a proxy, in a stack of its own; use it as a context manager."""

    def __init__(self, wire: Wire, tool: Tool) -> None:
        self._wire = wire
        self._folder = tempfile.TemporaryDirectory(prefix="nexusctl-faults-")
        self._player = player = Player(wire, tool, Path(self._folder.name), name_stack())
        self._proxy = Proxy(Path(self._folder.name) / "engine.sock", wire.endpoint.url.removeprefix("unix://"))
        self._proxy.victim = lambda: player.running.pid if player.running else None
        self._port = free_port()
        self._environments: set[str] = set()

    def __enter__(self) -> Driver:
        self._proxy.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if self._player.file.exists():
            self._clear()
            self._remove_environments()
        self._proxy.__exit__()
        self._folder.cleanup()

    def rehearse(self, scenario: Scenario) -> Rehearsal:
        self._prepare(scenario)
        self._proxy.arm(None)
        done = self._spoil(scenario)
        assert done.returncode == 0, f"{scenario.name} fails without a fault:\n{done.stdout}{done.stderr}"
        found = Rehearsal(scenario=scenario, calls=len(self._proxy.calls), portrait=self._player.take_portrait())
        self._clear()
        return found

    def judge(self, point: Point, expected: Portrait) -> Verdict:
        """Spoil, run once more, compare; everything is removed afterwards."""
        miscounts = 0
        for _ in range(TRIES):
            verdict = self._play(point, expected)
            if verdict.problem and self._is_miscounted():
                # No client can mend that, and without it nobody knows how the point ends: it is played again.
                miscounts += 1
                self._player.stack = name_stack()
            elif verdict.request or verdict.problem:
                break
        return replace(verdict, miscounts=miscounts)

    def _is_miscounted(self) -> bool:
        """Whether all that is left are networks without containers that the engine takes for used (moby/moby#42119)."""
        portrait = self._player.take_portrait()
        if portrait["containers"] or portrait["volumes"] or not portrait["networks"]:
            return False
        return all(self._is_kept(entry["Id"]) for entry in list_networks(self._wire, self._player.stack))

    def _is_kept(self, network_id: str) -> bool:
        try:
            self._wire.delete(f"/networks/{network_id}")
        except EngineError as error:
            return "active endpoints" in str(error) and not self._wire.get(f"/networks/{network_id}")["Containers"]
        return False

    def _play(self, point: Point, expected: Portrait) -> Verdict:
        traces = Traces(self._wire, self._player.stack)
        self._prepare(point.scenario)
        traces.note()
        self._proxy.arm(point.fault)
        spoiled = self._spoil(point.scenario, point.fault)
        fired, calls = self._proxy.fired, self._proxy.calls
        self._proxy.arm(None)
        traces.note()
        problem = _find_bug(point.fault, spoiled) if fired else ""
        problem = problem or self._converge(point.scenario, expected, traces)
        cleared = self._clear()
        if left := traces.find_left():
            problem = problem or f"destroy left {', '.join(left)}: {cleared.stdout[-300:]}{cleared.stderr[-400:]}"
            self._player.run(self._player.destroy)
        return Verdict(point=point, request=calls[point.fault.call].request if fired else "", problem=problem)

    def _converge(self, scenario: Scenario, expected: Portrait, traces: Traces) -> str:
        """Run once more and look; what is wrong then, empty for nothing."""
        again = self._player.run(self._command(scenario))
        traces.note()
        return self._player.judge(again, expected, check=scenario.verb == "apply")

    def _clear(self) -> Done:
        self._note_environments()
        return self._player.run(self._player.destroy)

    def _note_environments(self) -> None:
        self._environments |= list_environments(self._wire, self._player.stack)

    def _remove_environments(self) -> None:
        """Those of this driver's stacks, so that they have to be made again."""
        while self._environments:
            self._wire.delete(f"/images/{self._environments.pop()}")

    def _prepare(self, scenario: Scenario) -> None:
        if scenario.before:
            self._player.prepare(self._publish(scenario.before))
            self._note_environments()
        else:
            self._remove_environments()
        self._player.write(self._publish(scenario.after))

    def _publish(self, text: str) -> str:
        return text.replace("HOSTPORT", str(self._port)).replace("STACKNAME", self._player.stack)

    def _command(self, scenario: Scenario) -> list[str]:
        return self._player.destroy if scenario.verb == "destroy" else self._player.apply

    def _spoil(self, scenario: Scenario, fault: Fault | None = None) -> Done:
        """Run it by way of the proxy."""
        environ = {"DOCKER_HOST": f"unix://{self._proxy.path}"}
        if fault is None or fault.kind != "stall":
            return self._player.run(self._command(scenario), environ)
        environ["DOCKER_CLIENT_TIMEOUT"] = str(STALL)
        patience = TIMEOUT if self._player.tool.gives_up else PATIENCE
        return self._player.run(self._command(scenario), environ, patience)


def _find_bug(fault: Fault, spoiled: Done) -> str:
    """What no fault excuses, and a kill that killed nothing."""
    if "Traceback" in spoiled.stderr or spoiled.returncode == 70:
        return f"the spoiled run met a bug: {spoiled.stderr[-600:]}"
    if fault.kind.startswith("kill") and spoiled.returncode != -signal.SIGKILL:
        return f"it was to be killed and exited with {spoiled.returncode}"
    return ""
