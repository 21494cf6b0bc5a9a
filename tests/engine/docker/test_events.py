from __future__ import annotations

from threading import Event

import pytest

from nexusctl.model.stack import Health
from tests.engine.workshop import Workshop

pytestmark = pytest.mark.engine

PATIENCE = 240.0


def test_a_listener_hears_of_the_end_of_its_container_and_of_no_other(shop: Workshop) -> None:
    ends = "while [ ! -e /tmp/end ]; do sleep 0.1; done"
    one, other = (shop.start(shop.sandbox(name, command=("sh", "-c", ends))) for name in ("one", "other"))
    of_one, of_other = Event(), Event()
    with shop.engine.listen(one, of_one.set), shop.engine.listen(other, of_other.set):
        shop.engine.run_script(one, "touch /tmp/end")
        assert of_one.wait(PATIENCE)
    assert not of_other.is_set()


def test_a_listener_hears_of_a_change_of_health(shop: Workshop) -> None:
    health = Health(command=("test", "-e", "/tmp/well"), interval=0.5, retries=100)
    container_id = shop.start(shop.sandbox(health=health))
    heard = Event()
    with shop.engine.listen(container_id, heard.set):
        shop.engine.run_script(container_id, "touch /tmp/well")
        assert heard.wait(PATIENCE)
    assert shop.engine.condition(container_id).health == "healthy"
