"""A stack on the engine that tests change behind nexusctl's back, and what the deep plan says of it then."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nexusctl.api import execution, inspection, planning
from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.engine import DockerEngine
from nexusctl.engine.docker.exec.exec import run
from nexusctl.errors import NotFound
from nexusctl.model.engine_names import container_name, network_name, volume_name
from nexusctl.model.plan.event import Failed
from nexusctl.model.plan.plan import Plan
from nexusctl.model.stack import Stack
from nexusctl.plan.commands.basis import Basis
from nexusctl.run.interrupt import Interrupt

Finding = tuple[str, str, str, str]
"""An object (`sandbox api`), the action that puts it right, the field (empty for none), the cause."""


@dataclass
class Scene:
    """`file` is the stack file, in a folder of its own."""

    wire: Wire
    file: Path
    engine: DockerEngine = field(init=False)
    _quiet: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.engine = DockerEngine(self.wire)

    @property
    def stack(self) -> Stack:
        return planning.load(self.file)

    # -- nexusctl ------------------------------------------------------------------------------------------

    def plan(self, *, deep: bool = True) -> Plan:
        return planning.prepare(self.engine, self.stack, deep=deep).plan

    def drift(self) -> Plan:
        return inspection.find_drift(self.engine, self.stack)

    def apply(self, *, deep: bool = True) -> None:
        failed = self.try_apply(deep=deep)
        assert not failed, failed

    def try_apply(self, *, deep: bool = False) -> list[Failed]:
        return self._carry_out(planning.prepare(self.engine, self.stack, deep=deep))

    def put_right(self, expected: set[Finding]) -> None:
        """The plan names `expected` and nothing else, is carried out, and leaves nothing to do.

        As at the command line the plan that was looked at is the one that is carried out: a look inside is dear.
        """
        basis = planning.prepare(self.engine, self.stack, deep=True)
        assert findings(basis.plan) == expected
        failed = self._carry_out(basis)
        assert not failed, failed
        assert findings(self.plan()) == set()
        self._quiet = True

    def require_quiet(self) -> None:
        """That nothing is to do before a test changes something; looked at where the last one has not found out."""
        assert self._quiet or findings(self.plan()) == set(), "a row before this one left something"
        self._quiet = False

    def _carry_out(self, prepared: Basis) -> list[Failed]:
        self._quiet = False
        basis, reveal = planning.read_secrets(self.engine, prepared)
        events = execution.apply(self.engine, basis.plan, Interrupt(), reveal)
        return [event for event in events if isinstance(event, Failed)]

    def destroy(self) -> None:
        chosen = planning.plan(self.engine, planning.empty_stack(self.stack.name), remove_volumes=True)
        list(execution.apply(self.engine, chosen, Interrupt()))

    # -- behind its back -----------------------------------------------------------------------------------

    def id(self, sandbox: str) -> str:
        """The id of the sandbox's container by its labels, the oldest where several claim it."""
        wanted = [f"{labels.STACK}={self.stack.name}", f"{labels.SANDBOX}={sandbox}"]
        found = self.wire.get("/containers/json", {"all": True, "filters": {"label": wanted}})
        return str(min(found, key=lambda entry: entry["Created"])["Id"])

    def container(self, sandbox: str) -> str:
        return container_name(self.stack.name, sandbox)

    def network(self, name: str) -> str:
        return network_name(self.stack.name, name)

    def volume(self, name: str) -> str:
        return volume_name(self.stack.name, name)

    def post(self, sandbox: str, verb: str, body: Any = None, **query: Any) -> None:
        self._quiet = False
        self.wire.post(f"/containers/{self.id(sandbox)}/{verb}", body, query)

    def inside(self, sandbox: str, script: str) -> str:
        self._quiet = False
        outcome = run(self.wire, self.id(sandbox), ("/bin/sh", "-ec", script), user="0:0")
        assert outcome.exit_code == 0, outcome.output
        return outcome.output

    def await_state(self, sandbox: str, wanted: str) -> None:
        """Until the container's state or health is `wanted`, as its events say."""
        found = self.id(sandbox)
        with self.wire.open("GET", "/events", {"filters": {"container": [found]}}, timeout=240) as events:
            while wanted not in self._words(found):
                next(iter(events))

    def _words(self, container_id: str) -> tuple[str, str]:
        condition = self.engine.condition(container_id)
        return condition.state, condition.health

    def clone(self, sandbox: str, *, name: str, claims: str) -> None:
        """Run a copy of a sandbox's container that claims to be the sandbox `claims`, of a birth of its own.

        One with the birth of another container is known for a copy, and left alone.
        """
        config = self.wire.get(f"/containers/{self.id(sandbox)}/json")
        record = json.loads(config["Config"]["Labels"][labels.RECORD])
        record["sandbox"]["name"] = claims
        marks = {
            **config["Config"]["Labels"],
            labels.SANDBOX: claims,
            labels.RECORD: json.dumps(record),
            labels.BIRTH: "",
        }
        body = {**config["Config"], "Labels": marks, "HostConfig": {"NetworkMode": self.network("default")}}
        made = self.wire.post("/containers/create", body, {"name": name})["Id"]
        self.wire.post(f"/containers/{made}/start")

    def remove_container(self, name: str) -> None:
        try:
            self.wire.delete(f"/containers/{name}", {"force": True, "v": True})
        except NotFound:
            return


def findings(plan: Plan) -> set[Finding]:
    """Everything that a plan names, in words that a table can hold."""
    return {
        (f"{change.kind} {change.name}", change.action, named, cause)
        for change in plan.changes
        for named, cause in [(d.field, d.cause) for d in change.differences] or [("", change.cause)]
    }


def lay_out(folder: Path, files: dict[str, str]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
        os.chmod(folder / path, stat.S_IRUSR | stat.S_IWUSR)  # noqa: PTH101
