from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from nexusctl.errors import LockHeld, LockLost
from nexusctl.model.engine_names import run_lock
from tests.engine.workshop import Workshop


def test_the_lock_is_seen_while_it_is_held_and_gone_afterwards(shop: Workshop) -> None:
    holder = shop.holder("dev", pid=12, command="nexusctl apply", since=1700000000.5)
    with shop.engine.lock(shop.stack, holder, timeout=0, report=print):
        assert shop.observe().lock == holder
    assert shop.observe().lock is None


def test_a_second_one_is_refused_and_told_who_holds_it(shop: Workshop) -> None:
    with (
        shop.engine.lock(shop.stack, shop.holder("dev"), timeout=0, report=print),
        pytest.raises(LockHeld, match="dev@elsewhere") as refusal,
        shop.engine.lock(shop.stack, shop.holder("ops"), timeout=0.1, report=print),
    ):
        pass
    assert f"nexusctl unlock {shop.stack}" in (refusal.value.diagnostics[0].hint or "")


def test_stacks_have_locks_of_their_own(shop: Workshop, other: Workshop) -> None:
    with (
        shop.engine.lock(shop.stack, shop.holder("dev"), timeout=0, report=print),
        other.engine.lock(other.stack, other.holder("ops"), timeout=0, report=print),
    ):
        assert other.observe().lock == other.holder("ops")


def test_the_locks_of_all_stacks_are_listed_with_those_of_runs(shop: Workshop, other: Workshop) -> None:
    key = run_lock(other.stack)
    with (
        shop.engine.lock(shop.stack, shop.holder("dev", command="nexusctl apply"), timeout=0, report=print),
        other.engine.lock(key, replace(other.holder("ops"), stack=key), timeout=0, report=print),
    ):
        listed = shop.engine.overview.list_locks()
        assert listed[shop.stack] == shop.holder("dev", command="nexusctl apply")
        assert listed[key].user == "ops"
        assert other.stack not in listed
    assert shop.engine.overview.list_locks().keys().isdisjoint({shop.stack, key})


def test_the_lock_is_given_back_when_what_it_protects_fails(shop: Workshop) -> None:
    with pytest.raises(ZeroDivisionError), shop.engine.lock(shop.stack, shop.holder("dev"), timeout=0, report=print):
        raise ZeroDivisionError
    assert shop.observe().lock is None


def test_one_that_waits_gets_it_when_it_is_free_and_says_that_it_waits(shop: Workshop) -> None:
    said: list[str] = []
    got, waits = threading.Event(), threading.Event()

    def report(text: str) -> None:
        said.append(text)
        waits.set()

    def wait() -> None:
        with shop.engine.lock(shop.stack, shop.holder("ops"), timeout=60, report=report):
            got.set()

    with shop.engine.lock(shop.stack, shop.holder("dev"), timeout=0, report=print):
        thread = threading.Thread(target=wait)
        thread.start()
        assert waits.wait(60)
        assert not got.is_set()
    thread.join(60)
    assert got.is_set()
    assert "dev@elsewhere" in said[0]


def test_only_one_of_many_holds_it_at_a_time(shop: Workshop) -> None:
    inside: list[str] = []
    most: list[int] = []

    def work(name: str) -> None:
        with shop.engine.lock(shop.stack, shop.holder(name), timeout=120, report=lambda _: None):
            inside.append(name)
            most.append(len(inside))
            inside.remove(name)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert most == [1] * 8


def test_unlock_says_whose_lock_it_removed(shop: Workshop) -> None:
    assert shop.engine.unlock(shop.stack) is None
    with shop.engine.lock(shop.stack, shop.holder("dev"), timeout=0, report=print):
        assert shop.engine.unlock(shop.stack) == shop.holder("dev")
        assert shop.observe().lock is None


def test_a_lock_that_was_taken_away_does_not_release_its_successor(shop: Workshop) -> None:
    first = shop.engine.lock(shop.stack, shop.holder("dev"), timeout=0, report=print)
    first.__enter__()
    shop.engine.unlock(shop.stack)
    with shop.engine.lock(shop.stack, shop.holder("ops"), timeout=0, report=print):
        first.__exit__(None, None, None)
        assert shop.observe().lock == shop.holder("ops")


def test_a_lock_that_was_taken_away_is_missed_before_the_next_write(shop: Workshop) -> None:
    shop.engine.check_lock(shop.stack)
    with shop.engine.lock(shop.stack, shop.holder("dev"), timeout=0, report=print):
        shop.engine.check_lock(shop.stack)
        shop.engine.unlock(shop.stack)
        with pytest.raises(LockLost, match=f"the lock of stack {shop.stack} was taken away"):
            shop.engine.check_lock(shop.stack)
    shop.engine.check_lock(shop.stack)
