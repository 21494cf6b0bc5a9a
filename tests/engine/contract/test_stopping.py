"""How long a container gets to end, and who hears that it was killed."""

from __future__ import annotations

import pytest

from nexusctl.model.stack import Sandbox
from tests.engine.workshop import OBEDIENT, OBSTINATE, Workshop


@pytest.mark.parametrize("verb", ["stop_container", "restart_container", "remove_container"])
def test_what_does_not_end_in_its_time_is_killed_and_told_of(shop: Workshop, verb: str) -> None:
    container_id = shop.start_listening(shop.sandbox(command=OBSTINATE))
    assert getattr(shop.engine, verb)(container_id, 1) == 1
    states = [live.state for live in shop.observe().sandboxes]
    assert states == {"stop_container": ["exited"], "restart_container": ["running"], "remove_container": []}[verb]


@pytest.mark.parametrize("verb", ["stop_container", "restart_container", "remove_container"])
def test_what_ends_in_its_time_was_not_killed(shop: Workshop, verb: str) -> None:
    container_id = shop.start_listening(shop.sandbox(command=OBEDIENT))
    assert getattr(shop.engine, verb)(container_id, 30) is None


def test_without_a_word_a_container_gets_the_time_that_it_was_born_with(shop: Workshop) -> None:
    container_id = shop.start_listening(shop.sandbox(command=OBSTINATE, stop_grace_period=2))
    assert shop.engine.stop_container(container_id) == 2
    assert shop.engine.condition(container_id).exit_code == 137


def test_a_kill_that_is_asked_for_is_no_news(shop: Workshop) -> None:
    container_id = shop.start_listening(shop.sandbox(command=OBSTINATE))
    assert shop.engine.stop_container(container_id, 0) is None
    assert shop.engine.condition(container_id).exit_code == 137


def test_a_record_keeps_how_it_stops(shop: Workshop) -> None:
    sandbox: Sandbox = shop.sandbox(stop_grace_period=60, stop_signal="SIGINT")
    assert shop.look(shop.start(sandbox)).record == sandbox
