"""What the sweep asks of a tool that it plays its scenarios with."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from tests.faults.scenario import Scenario


class Tool(Protocol):
    """Something that makes what runs on an engine what a file says."""

    name: str
    file_name: str
    gives_up: bool
    """Whether it stops waiting for an answer by itself (`STALL` in its environment says when)."""

    def find_problem(self) -> str:
        """Why it cannot be played with on this machine, empty where it can."""
        ...

    def scenarios(self, image: str) -> tuple[Scenario, ...]: ...

    def apply(self, file: Path, stack: str) -> list[str]: ...

    def destroy(self, file: Path, stack: str) -> list[str]: ...

    def check(self, file: Path, stack: str) -> list[str]:
        """A command that exits with 0 where nothing is left to do; empty where the tool has none."""
        ...
