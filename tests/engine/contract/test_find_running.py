"""A sandbox that is found by itself is the one that a whole look finds, and what may be anything else is not found."""

from __future__ import annotations

from dataclasses import replace

from tests.engine.workshop import Workshop, find_plain


def test_one_that_runs_is_found_by_its_name(shop: Workshop, other: Workshop) -> None:
    one, two = shop.start(shop.sandbox()), shop.start(shop.sandbox("b"))
    elsewhere = other.start(other.sandbox())
    assert (find_plain(shop, "a"), find_plain(shop, "b"), find_plain(other, "a")) == (one, two, elsewhere)


def test_what_is_not_there_is_not_found(shop: Workshop, other: Workshop) -> None:
    assert find_plain(shop, "a") == ""
    other.start(other.sandbox())
    shop.start(shop.sandbox("ab"))
    for word in ("a", "a*", "", "?b", "ab=", f"{shop.stack}_ab"):
        assert find_plain(shop, word) == "", word


def test_what_does_not_run_is_not_found(shop: Workshop) -> None:
    container_id = shop.create(shop.sandbox())
    assert find_plain(shop, "a") == ""
    shop.engine.start_container(container_id)
    assert find_plain(shop, "a") == container_id
    shop.engine.pause_container(container_id)
    assert find_plain(shop, "a") == ""
    shop.engine.unpause_container(container_id)
    assert find_plain(shop, "a") == container_id
    shop.engine.stop_container(container_id, 0)
    assert find_plain(shop, "a") == ""
    shop.engine.start_container(container_id)
    assert find_plain(shop, "a") == container_id


def test_one_that_is_not_finished_is_not_found(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox(), birth_name=f"{shop.stack}_a_new")
    assert find_plain(shop, "a") == ""
    shop.engine.rename_container(container_id, f"{shop.stack}_a")
    assert find_plain(shop, "a") == container_id


def test_one_of_another_name_takes_a_look_at_the_whole(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    shop.engine.rename_container(container_id, f"{shop.stack}_mine")
    assert find_plain(shop, "a") == find_plain(shop, "mine") == ""
    shop.engine.rename_container(container_id, f"{shop.stack}_a")
    assert find_plain(shop, "a") == container_id


def test_one_that_was_moved_is_not_found_by_its_former_name(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    shop.engine.rename_container(container_id, f"{shop.stack}_b")
    shop.engine.amend(shop.stack, shop.sandbox("b"), container_id)
    assert shop.look(container_id).sandbox == "b"
    assert find_plain(shop, "a") == ""
    assert find_plain(shop, "b") in ("", container_id)
    # What takes its former name is another one.
    second = shop.start(shop.sandbox())
    assert find_plain(shop, "a") in ("", second)


def test_two_that_claim_one_name_take_a_look_at_the_whole(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox(), birth_name=f"{shop.stack}_a_new")
    final = shop.start(shop.sandbox())
    assert find_plain(shop, "a") == ""
    shop.engine.remove_container(container_id, 0)
    assert find_plain(shop, "a") == final


def test_a_group_is_none_and_each_of_its_replicas_is_one(shop: Workshop) -> None:
    ids = [shop.start(replace(shop.sandbox(f"web-{number}"), group="web")) for number in (1, 2)]
    assert find_plain(shop, "web") == ""
    assert [find_plain(shop, f"web-{number}") for number in (1, 2)] == ids


def test_each_instance_has_its_own(shop: Workshop, other: Workshop) -> None:
    """An instance is a stack with a longer name, so that either name begins as the other does."""
    mine, theirs = shop.start(shop.sandbox()), other.start(other.sandbox())
    shop.start(shop.sandbox("other-a"))
    assert (find_plain(shop, "a"), find_plain(other, "a")) == (mine, theirs)
    shop.engine.stop_container(mine, 0)
    assert (find_plain(shop, "a"), find_plain(other, "a")) == ("", theirs)


def test_what_is_amended_or_held_is_found_as_long_as_it_runs(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    shop.engine.amend(shop.stack, replace(shop.sandbox(), metadata={"a": "b"}), container_id)
    assert find_plain(shop, "a") == container_id
