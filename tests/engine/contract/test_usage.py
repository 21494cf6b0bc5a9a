from __future__ import annotations

import pytest

from nexusctl.errors import Conflict, NotFound
from nexusctl.model.stack import Resources
from tests.engine.workshop import Workshop


def test_what_runs_uses_something_and_what_does_not_says_so(shop: Workshop) -> None:
    container_id = shop.create(shop.sandbox(resources=Resources(memory=64 * 2**20)))
    assert shop.engine.overview.usage(container_id) is None
    with pytest.raises(Conflict):
        shop.engine.overview.list_processes(container_id)
    shop.engine.start_container(container_id)
    first, second = shop.engine.overview.usage(container_id), shop.engine.overview.usage(container_id)
    assert first
    assert second
    assert (first.memory > 0, first.memory_limit, first.pids > 0) == (True, 64 * 2**20, True)
    assert second.machine_time > first.machine_time
    assert second.cpu_percent(first) is not None
    assert first.cpu_percent(second) is None
    found = shop.engine.overview.list_processes(container_id)
    assert "CMD" in found.titles
    assert any("sleep 1000" in row[found.titles.index("CMD")] for row in found.rows)
    shop.engine.remove_container(container_id)
    with pytest.raises(NotFound):
        shop.engine.overview.usage(container_id)
    with pytest.raises(NotFound):
        shop.engine.overview.list_processes(container_id)


def test_a_network_is_needed_while_its_stack_has_anything_else(shop: Workshop) -> None:
    def idle() -> set[str]:
        return {one.name for one in shop.engine.overview.list_disposables() if one.kind == "network"}

    network = shop.join()
    assert network.id in idle()
    container_id = shop.create(shop.sandbox(), networks=(network,))
    assert network.id not in idle()
    shop.engine.remove_container(container_id)
    assert network.id in idle()
