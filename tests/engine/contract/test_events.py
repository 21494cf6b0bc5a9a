"""What happened to the sandboxes of a stack is told in order, and nothing that happened to those of others."""

from __future__ import annotations

import threading
import time
from collections import Counter

from nexusctl.engine.docker.engine import DockerEngine
from nexusctl.model.observed.sandbox_event import SandboxEvent
from tests.engine.workshop import OBEDIENT, Workshop

PATIENCE = 240
"""Seconds to wait for what has to come; only a hang meets it."""


class Memory:
    """What was told of the sandboxes of a shop.

    An engine with others remembers some seconds, so it is heard as it tells; and asked for what is to be heard by now.
    """

    def __init__(self, shop: Workshop) -> None:
        self._shop, self._since = shop, shop.engine.overview.now()
        self.told: list[SandboxEvent] = []
        self._listens = isinstance(shop.engine, DockerEngine)
        if self._listens:
            threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for one in self._shop.engine.overview.read_events(self._shop.stack, {}, self._since):
            self.told.append(one)
            if (one.kind, one.sandbox) == ("removed", "a"):
                return

    def read(self, **known: str) -> list[SandboxEvent]:
        overview = self._shop.engine.overview
        return [*overview.read_events(self._shop.stack, known, self._since, overview.now())]

    def ask(self) -> None:
        if self._listens:
            wanted = {(one.container_id, one.kind, one.time) for one in self.read()}
            deadline = time.monotonic() + PATIENCE
            while not wanted <= {(one.container_id, one.kind, one.time) for one in self.told}:
                assert time.monotonic() < deadline, "not all is heard that can be asked for"
                time.sleep(0.05)
            return
        known = Counter(self.told)
        for one in self.read():
            # The clock in memory stands still, so that two may be alike.
            if known[one]:
                known[one] -= 1
            else:
                self.told.append(one)

    def of(self, container_id: str, name: str) -> list[tuple[str, int | None]]:
        self.ask()
        own = [one for one in self.told if one.container_id == container_id]
        assert {one.sandbox for one in own} == {name}
        return [(one.kind, one.exit_code) for one in own]


def test_what_happened_is_told_in_order(shop: Workshop) -> None:
    memory = Memory(shop)
    task = shop.start(shop.sandbox("job", kind="task", command=("sh", "-c", "exit 3")))
    memory.ask()
    shop.await_exit(task)
    assert memory.of(task, "job") == [("created", None), ("started", None), ("died", 3)]
    service = shop.start_listening(shop.sandbox(command=OBEDIENT))
    memory.ask()
    # By whatever name it goes now.
    assert {one.sandbox for one in memory.read(**{service: "b"}) if one.container_id == service} == {"b"}
    shop.engine.pause_container(service)
    shop.engine.unpause_container(service)
    memory.ask()
    shop.engine.stop_container(service)
    memory.ask()
    code = shop.engine.condition(service).exit_code
    shop.engine.start_container(service)
    memory.ask()
    shop.engine.remove_container(service, 0)
    found = memory.of(service, "a")
    assert found[:7] == [
        ("created", None), ("started", None), ("paused", None), ("resumed", None),
        ("died", code), ("stopped", None), ("started", None),
    ]  # fmt: skip
    assert found[-1] == ("removed", None)


def test_nothing_is_told_of_other_stacks(shop: Workshop, other: Workshop) -> None:
    since = shop.engine.overview.now()
    for one in (shop, other):
        one.create(one.sandbox())
    for one in (shop, other):
        told = one.engine.overview.read_events(one.stack, {}, since, one.engine.overview.now())
        assert [(event.kind, event.sandbox) for event in told] == [("created", "a")]
