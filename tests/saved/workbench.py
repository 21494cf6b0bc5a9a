"""A stack file in a folder and an engine in memory: what tests of saved, partial and failed applies work on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from nexusctl.api import execution, planning
from nexusctl.engine.memory import MemoryEngine
from nexusctl.model.plan.event import Event, Failed, Finished, Started
from nexusctl.model.plan.plan import Plan
from nexusctl.plan.commands.basis import Basis
from nexusctl.plan.commands.names import Choice
from nexusctl.run.interrupt import Interrupt

THREE = """
name: demo
volumes: {data: {}}
sandboxes:
  db: {image: img:1, env: {PIN: "4711"}, volumes: ["data:/data"]}
  api:
    image: img:1
    env: {PORT: "3000"}
    uploads: [{source: ./server.js, target: /server.js}]
    depends_on: [db]
  web: {image: img:1, depends_on: [api], startup: "true"}
"""


@dataclass
class Workbench:
    folder: Path
    engine: MemoryEngine = field(default_factory=lambda: MemoryEngine(images=("img:1", "img:2")))

    @property
    def file(self) -> Path:
        return self.folder / "nexus.yaml"

    def write(self, text: str, server: str = "serve()") -> None:
        self.file.write_text(dedent(text))
        (self.folder / "server.js").write_text(server)

    def prepare(self, **words: tuple[str, ...]) -> Basis:
        return planning.prepare(self.engine, planning.load(self.file), choice=Choice(**words))

    def carry_out(self, plan: Plan) -> list[Event]:
        return list(execution.apply(self.engine, plan, Interrupt()))

    def apply(self, **words: tuple[str, ...]) -> list[Event]:
        return self.carry_out(self.prepare(**words).plan)

    def container(self, sandbox: str) -> str:
        """The id of the only container of `sandbox`."""
        (found,) = [c.id for c in self.engine.containers.values() if c.sandbox.name == sandbox]
        return found

    def sandboxes(self) -> list[str]:
        return sorted(c.sandbox.name for c in self.engine.containers.values())


def touched(events: list[Event]) -> frozenset[str]:
    return frozenset(e.step.subject for e in events if isinstance(e, Started) and e.step.id.startswith("sandbox:"))


def failures(events: list[Event]) -> list[str]:
    return [event.problem.summary for event in events if isinstance(event, Failed)]


def outcome(events: list[Event]) -> str:
    last = events[-1]
    assert isinstance(last, Finished)
    return last.outcome
