"""What an engine tells of health checks, and of services that end again and again."""

from __future__ import annotations

from nexusctl.model.stack import Dependency, Health
from tests.engine.workshop import Workshop

PROBE = Health(command=("true",), interval=1.0, timeout=2.0, retries=3, start_period=4.0)


def test_the_check_of_a_sandbox_is_found_as_it_was_said(shop: Workshop) -> None:
    container_id = shop.create(shop.sandbox(health=PROBE))
    assert shop.engine.find_health(container_id) == PROBE


def test_there_is_none_without_one_and_none_where_it_is_switched_off(shop: Workshop) -> None:
    assert shop.engine.find_health(shop.create(shop.sandbox("a"))) is None
    assert shop.engine.find_health(shop.create(shop.sandbox("b", image_health=False))) is None


def test_an_image_without_a_check_is_told_only_where_somebody_waits_for_one(shop: Workshop) -> None:
    db, api = shop.sandbox("db"), shop.sandbox("api", depends_on=(Dependency(sandbox="db", condition="healthy"),))
    assert shop.observe(db, api).unprobed == {shop.image}
    assert shop.observe(db).unprobed == frozenset()
    assert shop.observe(shop.sandbox("db", health=PROBE), api).unprobed == frozenset()


def test_one_that_ends_again_and_again_is_restarting_whenever_one_looks(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox(command=("sh", "-c", "exit 3"), restart="always"))
    shop.await_condition(container_id, lambda condition: condition.restarts > 0)
    for deep in (False, True):
        live = shop.look(container_id, deep=deep)
        assert (live.state, live.exit_code) == ("restarting", None)
        assert live.restarts > 0


def test_its_restarts_are_counted_anew_after_a_start_by_hand(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox(restart="always"))
    assert shop.engine.condition(container_id).restarts == 0
    assert shop.look(container_id).state == "running"
