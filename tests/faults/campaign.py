"""Many points, some at once."""

from __future__ import annotations

import queue
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from nexusctl.engine.docker.client.client import Wire
from tests.faults.driver import Driver, Point, Rehearsal, Verdict
from tests.faults.scenario import CHANGES, Scenario
from tests.faults.tool import Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which points: of the scenarios whose name contains one of `parts`, `sample` drawn with `seed` (0 for all)."""

    parts: tuple[str, ...] = ("",)
    sample: int = 0
    seed: int = 20240229


@dataclass(slots=True)
class Tally:
    """How one tool did."""

    tool: str
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return all(verdict.request and not verdict.problem for verdict in self.verdicts)

    def count(self, change: str = "") -> tuple[int, int]:
        """Points that converged, and points that were played, of one kind of change or of all."""
        played = [one for one in self.verdicts if one.request and one.point.scenario.change.startswith(change)]
        return sum(not one.problem for one in played), len(played)

    @property
    def miscounts(self) -> int:
        """How often the engine lost count of a network, and the point was played again."""
        return sum(verdict.miscounts for verdict in self.verdicts)


def run_campaign(
    wire: Wire, tool: Tool, image: str, choice: Choice, lanes: int, report: Callable[[Verdict], None]
) -> Tally:
    """Rehearse the chosen scenarios, then judge the chosen points, `lanes` at once."""
    scenarios = [one for one in tool.scenarios(image) if any(part in one.name for part in choice.parts)]
    with ThreadPoolExecutor(max_workers=lanes) as pool:
        rehearsals = list(pool.map(lambda scenario: _rehearse(wire, tool, scenario), scenarios))
        waiting: queue.SimpleQueue[tuple[Rehearsal, Point]] = queue.SimpleQueue()
        for item in _choose(rehearsals, choice):
            waiting.put(item)
        shares = [pool.submit(_work, wire, tool, waiting, report) for _ in range(lanes)]
        return Tally(tool.name, [verdict for share in shares for verdict in share.result()])


def render_tallies(tallies: list[Tally]) -> str:
    """The figures side by side."""
    lines = ["".join([f"{'points converged':<20}", *(f"{tally.tool:>16}" for tally in tallies)])]
    for change in (*CHANGES, ""):
        cells = [_cell(*tally.count(change)) for tally in tallies]
        lines.append("".join([f"{change or 'all':<20}", *(f"{cell:>16}" for cell in cells)]))
    lines += [
        f"{tally.tool}: {tally.miscounts} times the engine lost count of a network, and the point was played again"
        for tally in tallies
        if tally.miscounts
    ]
    return "\n".join(lines)


def _rehearse(wire: Wire, tool: Tool, scenario: Scenario) -> Rehearsal:
    with Driver(wire, tool) as driver:
        return driver.rehearse(scenario)


def _choose(rehearsals: list[Rehearsal], choice: Choice) -> Iterator[tuple[Rehearsal, Point]]:
    found = [(rehearsal, point) for rehearsal in rehearsals for point in rehearsal.points()]
    if choice.sample and choice.sample < len(found):
        found = random.Random(choice.seed).sample(found, choice.sample)
    yield from found


def _work(
    wire: Wire,
    tool: Tool,
    waiting: queue.SimpleQueue[tuple[Rehearsal, Point]],
    report: Callable[[Verdict], None],
) -> list[Verdict]:
    verdicts: list[Verdict] = []
    with Driver(wire, tool) as driver:
        while True:
            try:
                rehearsal, point = waiting.get_nowait()
            except queue.Empty:
                return verdicts
            verdicts.append(driver.judge(point, rehearsal.portrait))
            report(verdicts[-1])


def _cell(converged: int, played: int) -> str:
    return f"{converged} of {played}" if played else "-"
