"""What the engine is told of how a container stops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from nexusctl.engine.docker.client.answer import Answer
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.engine import DockerEngine
from nexusctl.engine.docker.objects.read_body import inspect
from nexusctl.model.engine_names import volume_name
from nexusctl.model.stack import Mount, Volume
from tests.engine.workshop import OBSTINATE, Workshop

pytestmark = pytest.mark.engine

FLUSH = "trap 'sleep 1; echo whole > /data/end; exit 0' TERM; trap 'echo INT > /data/end; exit 0' INT; "
WAIT = "echo up > /data/begin; while :; do sleep 0.1; done"


@pytest.fixture
def shop(wire: Wire, base_image: str, stack_name: str) -> Iterator[Workshop]:
    made = Workshop(DockerEngine(wire), stack_name, base_image)
    yield made
    made.clear()


def start(shop: Workshop, **fields: object) -> str:
    """A sandbox that writes its last words into a volume, once it listens to signals."""
    name = volume_name(shop.stack, "data")
    shop.engine.create_volume(shop.stack, Volume(name="data"), name)
    data = Mount(kind="volume", source="data", target="/data")
    made = shop.start(
        shop.sandbox(command=("sh", "-c", FLUSH + WAIT), mounts=(data,), **fields), volumes={"data": name}
    )
    while shop.engine.run_script(made, "test -e /data/begin").exit_code:
        pass
    return made


def read_end(shop: Workshop) -> str:
    data = Mount(kind="volume", source="data", target="/data")
    reader = shop.start(shop.sandbox("reader", mounts=(data,)), volumes={"data": volume_name(shop.stack, "data")})
    return shop.engine.run_script(reader, "cat /data/end 2>/dev/null").output.strip()


def test_a_paused_one_is_resumed_to_end_by_itself(shop: Workshop) -> None:
    container_id = start(shop)
    assert isinstance(shop.engine, DockerEngine)
    shop.engine.wire.post(f"/containers/{container_id}/pause")
    assert shop.engine.remove_container(container_id, 30) is None
    assert read_end(shop) == "whole"


def test_the_signal_of_a_sandbox_is_the_one_that_it_gets(shop: Workshop) -> None:
    assert shop.engine.stop_container(start(shop, stop_signal="SIGINT"), 30) is None
    assert read_end(shop) == "INT"


class Hasty(Wire):
    """Gives up on a stop after half a second unless it is told to wait; what else it asks may take its time."""

    def open(self, method: str, path: str, *arguments: Any, timeout: float | None = None, **options: Any) -> Answer:
        patience = 60.0 if timeout is None and not path.endswith("/stop") else timeout
        return super().open(method, path, *arguments, timeout=patience, **options)


@pytest.mark.parametrize("verb", ["stop_container", "remove_container"])
def test_the_call_waits_longer_than_a_plain_one_may_be_silent(shop: Workshop, verb: str) -> None:
    hasty = Workshop(DockerEngine(Hasty(shop.engine.wire.endpoint, timeout=0.5)), shop.stack, shop.image)  # type: ignore[attr-defined]
    assert getattr(hasty.engine, verb)(start(shop), 30) is None
    assert read_end(shop) == "whole"


@pytest.mark.parametrize(
    ("config", "grace", "signal"),
    [
        ({}, None, None),
        ({"StopTimeout": 90, "StopSignal": "SIGQUIT"}, 90, "SIGQUIT"),
        ({"StopTimeout": 10, "StopSignal": "SIGTERM"}, None, None),
        ({"StopTimeout": -1, "StopSignal": "USR1"}, None, "SIGUSR1"),
        ({"StopTimeout": 0, "StopSignal": "3"}, 0, "3"),
    ],
)
def test_a_container_of_others_is_portrayed_with_how_it_stops(
    wire: Wire, base_image: str, stack_name: str, config: dict[str, object], grace: int | None, signal: str | None
) -> None:
    made = wire.post("/containers/create", {"Image": base_image, "Cmd": ["true"], **config}, {"name": stack_name})["Id"]
    try:
        seen = inspect(wire, made)
        assert (seen.sandbox.stop_grace_period, seen.sandbox.stop_signal) == (grace, signal), json.dumps(config)
        assert not [word for word, _ in seen.remarks if word.startswith("Stop")]
    finally:
        wire.delete(f"/containers/{made}", {"force": True})


class BusyWire(Wire):
    """An engine on which much happens between a restart and the next question."""

    def __init__(self, wire: Wire, other_id: str, name: str) -> None:
        super().__init__(wire.endpoint)
        self._other_id, self._name = other_id, name

    def call(self, method: str, path: str, *arguments: Any, **more: Any) -> Any:
        answer = super().call(method, path, *arguments, **more)
        if path.endswith("/restart"):
            for number in range(300):
                self.post(f"/containers/{self._other_id}/rename", query={"name": f"{self._name}_{number % 2}"})
        return answer


def test_a_kill_before_a_restart_is_told_also_where_much_happens_meanwhile(shop: Workshop, wire: Wire) -> None:
    """The engine remembers two hundred and fifty-six events, and each look at a health is three."""
    container_id = shop.start_listening(shop.sandbox(command=OBSTINATE))
    other_id = shop.create(shop.sandbox("other"))
    busy = DockerEngine(BusyWire(wire, other_id, f"{shop.stack}_other"))
    assert busy.restart_container(container_id, 1) == 1
    shop.engine.remove_container(container_id, 0)
