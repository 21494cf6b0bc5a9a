"""An engine that does what it was asked and whose answer is lost on the way."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Endpoint, Wire
from nexusctl.engine.docker.engine import DockerEngine
from nexusctl.errors import EngineError, EngineUnreachable
from nexusctl.model.stack import Resources, Volume
from tests.engine.workshop import Workshop, text
from tests.faults.proxy import Fault, Proxy
from tests.load import allow

pytestmark = pytest.mark.engine


@pytest.fixture
def proxy(wire: Wire, tmp_path: Path) -> Iterator[Proxy]:
    with Proxy(tmp_path / "engine.sock", wire.endpoint.url.removeprefix("unix://")) as made:
        yield made


@pytest.fixture
def far(shop: Workshop, wire: Wire, proxy: Proxy) -> Workshop:
    """The same stack, seen through the proxy."""
    endpoint = replace(wire.endpoint, url=f"unix://{proxy.path}")
    return Workshop(DockerEngine(Wire(endpoint, timeout=60)), shop.stack, shop.image)


def test_a_container_that_was_made_is_taken_over(shop: Workshop, far: Workshop, proxy: Proxy) -> None:
    proxy.arm(Fault(call=0, kind="lost-reply"))
    container_id = far.create(far.sandbox())
    assert proxy.fired
    assert [live.id for live in shop.observe().sandboxes] == [container_id]


def test_a_container_that_was_never_made_is_an_error_and_not_asked_for_again(
    shop: Workshop, far: Workshop, proxy: Proxy
) -> None:
    proxy.arm(Fault(call=0, kind="reset"))
    with pytest.raises(EngineUnreachable):
        far.create(far.sandbox())
    assert len(proxy.calls) == 1
    assert shop.observe().sandboxes == ()


def test_a_network_that_was_made_is_taken_over(shop: Workshop, far: Workshop, proxy: Proxy) -> None:
    proxy.arm(Fault(call=0, kind="lost-reply"))
    network = far.join()
    assert [live.id for live in shop.observe().networks] == [network.id]


def test_a_rename_that_was_done_is_done(shop: Workshop, far: Workshop, proxy: Proxy) -> None:
    container_id = shop.create(shop.sandbox())
    proxy.arm(Fault(call=0, kind="lost-reply"))
    far.engine.rename_container(container_id, f"{shop.stack}_b")
    assert shop.look(container_id).name == f"{shop.stack}_b"


def test_a_lock_whose_answer_was_lost_is_not_left_behind(shop: Workshop, far: Workshop, proxy: Proxy) -> None:
    proxy.arm(Fault(call=0, kind="lost-reply"))
    with pytest.raises(EngineUnreachable), far.engine.lock(far.stack, far.holder("dev"), timeout=0, report=print):
        pass
    assert shop.observe().lock is None


def test_uploads_that_did_not_come_through_leave_no_container(shop: Workshop, far: Workshop, proxy: Proxy) -> None:
    proxy.arm(Fault(call=1, kind="error-500"))
    with pytest.raises(EngineError):
        far.create(far.sandbox(uploads=(text("/srv/x", "x" * 3_000_000),)))
    assert shop.observe().sandboxes == ()


def test_any_call_can_be_made_again_after_its_answer_was_lost(shop: Workshop, far: Workshop, proxy: Proxy) -> None:
    container_id = shop.start(shop.sandbox())
    network = shop.join()
    engine = far.engine
    calls = {
        "update": lambda: engine.update_limits(container_id, Resources(pids=99), "no"),
        "connect": lambda: engine.connect(container_id, network, ("a",)),
        "disconnect": lambda: engine.disconnect(container_id, network.id),
        "amend": lambda: engine.amend(far.stack, far.sandbox(timeout=3), container_id),
        "stop": lambda: engine.stop_container(container_id),
        "start": lambda: engine.start_container(container_id),
        "remove": lambda: engine.remove_container(container_id),
        "remove_network": lambda: engine.remove_network(network.id),
    }
    for name, call in calls.items():
        proxy.arm(Fault(call=0, kind="lost-reply"))
        try:
            call()
        except EngineUnreachable:
            call()
        assert proxy.fired, name
    live = shop.observe()
    assert (live.sandboxes, live.networks) == ((), ())


def test_an_engine_that_says_nothing_is_given_up_on_after_the_time_out(far: Workshop, proxy: Proxy) -> None:
    proxy.arm(Fault(call=0, kind="stall"))
    engine = DockerEngine(Wire(far.engine.wire.endpoint, timeout=allow(0.5)))  # type: ignore[attr-defined]
    with pytest.raises(EngineUnreachable, match="is there, but has not answered"):
        engine.create_volume(far.stack, Volume(name="v"), f"{far.stack}_v")


def test_a_lock_that_cannot_be_removed_is_told_of_and_takes_nothing_back(
    shop: Workshop, far: Workshop, proxy: Proxy
) -> None:
    said: list[str] = []
    with far.engine.lock(far.stack, far.holder("dev"), timeout=0, report=said.append):
        proxy.arm(Fault(call=0, kind="error-500"))
    assert proxy.fired
    assert [f"unlock {shop.stack}" in line for line in said] == [True]
    assert shop.engine.unlock(shop.stack) == far.holder("dev")


def test_an_engine_that_is_gone_is_told_in_words(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as abandoned:
        abandoned.bind(str(tmp_path / "abandoned.sock"))
    for name, words in (("abandoned", "nothing listens there"), ("absent", "there is no such socket")):
        wire = Wire(Endpoint(url=f"unix://{tmp_path}/{name}.sock", source="test"))
        with pytest.raises(EngineUnreachable, match=words):
            wire.get("/version")
