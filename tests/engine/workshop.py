"""A stack of one's own on an engine, for tests of the port."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.base import Engine
from nexusctl.engine.command import Outcome
from nexusctl.engine.condition import Condition
from nexusctl.engine.docker.engine import DockerEngine
from nexusctl.engine.memory import MemoryEngine
from nexusctl.model.engine_names import container_name, network_name
from nexusctl.model.observed.live import LiveSandbox, LiveState, LiveVolume, Orphan
from nexusctl.model.observed.lock_holder import LockHolder
from nexusctl.model.plan.plan import Attachment, Placement
from nexusctl.model.secret import Reveal, withhold
from nexusctl.model.stack import Network, Sandbox, Stack
from nexusctl.model.uploads_and_packages import Upload, UploadFile

FOREVER = ("sleep", "1000")

OBSTINATE = ("sh", "-c", "trap '' TERM; touch /ready; while :; do sleep 0.1; done")
"""Does not end for the asking."""
OBEDIENT = ("sh", "-c", "trap 'exit 0' TERM; touch /ready; while :; do sleep 0.1; done")


@dataclass(frozen=True, slots=True)
class Workshop:
    """`engine` with a stack called `stack`; `image` has a shell."""

    engine: Engine
    stack: str
    image: str

    def sandbox(self, name: str = "a", **fields: Any) -> Sandbox:
        return Sandbox(
            **{"name": name, "group": name, "image": self.image, "command": FOREVER, "networks": ()} | fields
        )

    def place(
        self,
        sandbox: Sandbox,
        *,
        networks: tuple[Attachment, ...] = (),
        birth_name: str = "",
        volumes: dict[str, str] | None = None,
        others: frozenset[str] = frozenset(),
        external: frozenset[str] = frozenset(),
        stack: str = "",
    ) -> Placement:
        return Placement(
            image=sandbox.image,
            name=container_name(stack or self.stack, sandbox.name),
            birth_name=birth_name,
            networks=tuple(replace(found, names=(sandbox.name, sandbox.group)) for found in networks),
            volumes=volumes or {},
            others=others,
            external=external,
        )

    def create(self, sandbox: Sandbox, *, reveal: Reveal = withhold, **where: Any) -> str:
        return self.engine.create_container(self.stack, sandbox, self.place(sandbox, **where), reveal)

    def start(self, sandbox: Sandbox, **where: Any) -> str:
        container_id = self.create(sandbox, **where)
        self.engine.start_container(container_id)
        return container_id

    def start_listening(self, sandbox: Sandbox, **where: Any) -> str:
        """Start one of the two above, to the point where a signal finds it as it is meant to be."""
        container_id = self.start(sandbox, **where)
        while self.engine.run_script(container_id, "test -e /ready").exit_code:
            time.sleep(0.05)
        return container_id

    def join(self, name: str = "default", *, internal: bool = False) -> Attachment:
        """A network of the stack, made if it is not there."""
        full = network_name(self.stack, name)
        made = self.engine.create_network(self.stack, Network(name=name, internal=internal), full)
        return Attachment(network=name, name=full, id=made)

    def make_volume_of_nobody(self, name: str) -> None:
        """One that no nexusctl has made; `remove_volume` of the engine removes it."""
        if isinstance(self.engine, MemoryEngine):
            self.engine.volumes[name] = ("", LiveVolume(name=name, volume=""))
        else:
            assert isinstance(self.engine, DockerEngine)
            self.engine.wire.post("/volumes/create", {"Name": name})

    def observe(self, *sandboxes: Sandbox, deep: bool = False, **fields: Any) -> LiveState:
        declared = Stack(name=self.stack, sandboxes={sandbox.name: sandbox for sandbox in sandboxes}, **fields)
        return self.engine.observe(declared, deep=deep)

    def look(self, container_id: str, *, deep: bool = False) -> LiveSandbox:
        return next(live for live in self.observe(deep=deep).sandboxes if live.id == container_id)

    def await_exit(self, container_id: str) -> Condition:
        return self.await_condition(container_id, lambda condition: condition.exit_code is not None)

    def await_condition(self, container_id: str, wanted: Callable[[Condition], bool]) -> Condition:
        for _ in range(4800):
            if wanted(condition := self.engine.condition(container_id)):
                return condition
            time.sleep(0.05)
        raise AssertionError(f"it never came to that: {condition}")

    def digest(self, container_id: str, path: str) -> str | None:
        """The SHA-256 of a file in a running sandbox, None where there is no such file."""
        if isinstance(self.engine, MemoryEngine):
            file = self.engine.containers[container_id].files.get(path)
            return file.digest if file else None
        outcome = self.engine.run_script(container_id, f"sha256sum '{path}'")
        return outcome.output.split()[0] if outcome.exit_code == 0 else None

    def mode(self, container_id: str, path: str) -> int | None:
        """The permissions of what is at `path` in a running sandbox, None where nothing is."""
        if isinstance(self.engine, MemoryEngine):
            file = self.engine.containers[container_id].files.get(path)
            return file.mode if file else None
        outcome = self.engine.run_script(container_id, f"stat -c %a '{path}'")
        return int(outcome.output, 8) if outcome.exit_code == 0 else None

    def holder(self, owner: str, **fields: Any) -> LockHolder:
        return LockHolder(**{"stack": self.stack, "owner": owner, "user": owner, "host": "elsewhere"} | fields)

    def clear(self) -> None:
        """Remove what bears the stack's labels; what is left then is a fault of the port."""
        live = self.observe()
        for sandbox in live.sandboxes:
            self.engine.remove_container(sandbox.id)
        for network in live.networks:
            self.engine.remove_network(network.id)
        for volume in live.volumes:
            self.engine.remove_volume(volume.name)
        self.engine.unlock(self.stack)
        for orphan in self.observe().orphans:
            self.remove_orphan(orphan)
        assert list_remains(self.engine, self.stack) == []

    def remove_orphan(self, orphan: Orphan) -> None:
        match orphan.kind:
            case "courier":
                self.engine.remove_courier(orphan.name)
            case "secrets":
                self.engine.remove_secrets(orphan.name)
            case _:
                self.engine.remove_amendment(orphan.name)


def find_plain(shop: Workshop, name: str) -> str:
    """The id of the container that `Engine.find_running` finds, which is what a look at the whole says; empty for none.

    What that cannot tell apart is found by it alone.
    """
    found = shop.engine.find_running(shop.stack, name)
    if found is None:
        return ""
    assert found.sandbox == name
    named = [live for live in shop.observe().sandboxes if live.sandbox == name]
    assert [(live.id, live.state, live.partial) for live in named] == [(found.id, "running", False)]
    return found.id


def list_remains(engine: Engine, stack: str) -> list[str]:
    """What bears the labels of `stack`, asked of the engine itself and not through the port."""
    if not isinstance(engine, DockerEngine):
        return []
    query = {"all": True, "filters": {"label": [f"{labels.STACK}={stack}"]}}
    return [
        *(entry["Names"][0] for entry in engine.wire.get("/containers/json", query)),
        *(entry["Name"] for entry in engine.wire.get("/networks", query)),
        *(entry["Name"] for entry in engine.wire.get("/volumes", query)["Volumes"] or []),
    ]


def text(target: str, content: str, **fields: Any) -> Upload:
    """An upload of one file with this content."""
    data = content.encode()
    file = UploadFile(path="", digest=sha256(content), mode=fields.pop("mode", 0o644), size=len(data))
    return Upload(target=target, files=(file,), content=content, **fields)


def folder(source: Path, target: str, mode: int, *paths: str) -> Upload:
    """An upload of `source`, which is made: a folder with `mode`, and with empty files at `paths`."""
    for path in paths:
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).touch()
    source.mkdir(exist_ok=True)
    inner = sorted({str(parent) for path in paths for parent in PurePosixPath(path).parents} - {"."})
    files = (
        UploadFile(path="", digest="", mode=mode, size=0, kind="folder"),
        *(UploadFile(path=path, digest="", mode=0o755, size=0, kind="folder") for path in inner),
        *(UploadFile(path=path, digest=sha256(""), mode=0o644, size=0) for path in paths),
    )
    return Upload(target=target, files=files, source=str(source))


def sha256(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def behave_as_told(sandbox: Sandbox) -> int | None:
    """The memory engine's idea of what the contract's commands do."""
    match sandbox.command:
        case ("sh", "-c", script) if script.startswith("exit "):
            return int(script.split()[1])
    return None


def linger_as_told(sandbox: Sandbox) -> float:
    return math.inf if sandbox.command == OBSTINATE else 0.0


def answer_as_told(sandbox: Sandbox, command: tuple[str, ...]) -> Outcome:
    script = command[-1]
    if command[0] == "sleep":
        return Outcome(exit_code=0, output="", timed_out=True)
    if script.startswith("echo hello; exit "):
        return Outcome(exit_code=int(script.split()[-1]), output="hello\n")
    return Outcome(exit_code=1 if script == "false" else 0, output="")
