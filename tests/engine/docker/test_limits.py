"""Limits that a live container does not fit into."""

from __future__ import annotations

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import EngineError
from nexusctl.model.stack import Resources
from tests.engine.workshop import Workshop

pytestmark = pytest.mark.engine

MIB = 2**20


def test_less_memory_than_is_in_use_is_refused_in_words_and_changes_nothing(shop: Workshop, wire: Wire) -> None:
    script = "head -c 67108864 /dev/zero > /dev/shm/full; echo ready > /tmp/ready; exec sleep 1000"
    container_id = shop.start(shop.sandbox(command=("sh", "-c", script), resources=Resources(memory=256 * MIB)))
    shop.engine.run_script(container_id, "while ! test -e /tmp/ready; do sleep 0.1; done")
    with pytest.raises(EngineError, match=r"memory: 32 MiB is less than the \d+ MiB that it uses now"):
        shop.engine.update_limits(container_id, Resources(memory=32 * MIB, cpus=0.5), "no")
    config = wire.get(f"/containers/{container_id}/json")["HostConfig"]
    assert (config["Memory"], config["CpuQuota"]) == (256 * MIB, 0)
    shop.engine.update_limits(container_id, Resources(memory=128 * MIB), "no")
    assert wire.get(f"/containers/{container_id}/json")["HostConfig"]["Memory"] == 128 * MIB


def test_the_least_of_a_core_that_a_file_may_give_is_what_the_engine_takes(shop: Workshop) -> None:
    assert shop.start(shop.sandbox(resources=Resources(cpus=0.01)))
    with pytest.raises(EngineError):
        shop.start(shop.sandbox("b", resources=Resources(cpus=0.005)))
