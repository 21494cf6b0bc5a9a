"""The word that a container was stopped on purpose: it stands beside it, and goes with it."""

from __future__ import annotations

import uuid

from nexusctl.model.observed.history import KEPT
from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.lock_holder import LockHolder
from tests.engine.workshop import Workshop

STOPPED = Hold(state="stopped", user="dev", since=1_700_000_000)


def test_a_word_is_found_again_and_the_last_one_counts(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    shop.engine.note_hold(shop.stack, "a", container_id, STOPPED)
    shop.engine.note_hold(shop.stack, "a", container_id, Hold(state="paused", user="ops", since=1_700_000_001))
    hold = shop.look(container_id).hold
    assert hold
    assert (hold.state, hold.user, hold.since) == ("paused", "ops", 1_700_000_001)
    assert hold.name in shop.look(container_id).amendments
    shop.engine.remove_amendment(hold.name)
    assert shop.look(container_id).hold is None


def test_it_counts_only_while_the_container_does_not_run(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    shop.engine.note_hold(shop.stack, "a", container_id, STOPPED)
    assert shop.look(container_id).held is None
    shop.engine.pause_container(container_id)
    assert shop.look(container_id).held
    shop.engine.unpause_container(container_id)
    shop.engine.stop_container(container_id, 0)
    assert shop.look(container_id).held
    shop.engine.start_container(container_id)
    assert shop.look(container_id).held is None


def test_that_of_a_container_which_is_gone_is_left_over(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    shop.engine.note_hold(shop.stack, "a", container_id, STOPPED)
    shop.engine.remove_container(container_id, 0)
    assert [(orphan.kind, orphan.name) for orphan in shop.observe().orphans] == [
        ("amendment", f"nexusctl_hold_{container_id[:16]}")
    ]


def test_a_container_that_is_paused_stays_so(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    shop.engine.pause_container(container_id)
    shop.engine.pause_container(container_id)
    assert shop.engine.condition(container_id).state == "paused"


def test_a_longer_life_is_found_again_and_the_latest_counts(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    names = [
        shop.engine.note_extension(shop.stack, "a", container_id, until, "dev")
        for until in (1_700_000_500, 1_700_000_900, 1_700_000_100)
    ]
    found = shop.look(container_id)
    assert found.extended == 1_700_000_900
    assert {*names} == {*found.extensions} <= {*found.amendments}
    assert found.outdated == ()
    shop.engine.remove_amendment(names[1])
    assert shop.look(container_id).extended == 1_700_000_500
    shop.engine.remove_container(container_id, 0)
    assert {orphan.name for orphan in shop.observe().orphans} == {names[0], names[2]}


def test_what_was_said_before_is_told_and_goes_with_the_container(shop: Workshop) -> None:
    holder = LockHolder(stack=shop.stack, owner=uuid.uuid4().hex, user="me", host="here")
    made = shop.start(shop.sandbox("a"))
    words = [Hold(state="stopped", user=f"dev{n}", since=1_600_000_000 + n) for n in range(KEPT + 2)]
    for word in words:
        shop.engine.note_hold(shop.stack, "a", made, word)
    shop.engine.lift_hold(shop.stack, f"nexusctl_hold_{made[:16]}")
    shop.engine.lift_hold(shop.stack, f"nexusctl_hold_{made[:16]}")
    with shop.engine.lock(shop.stack, holder, timeout=5, report=lambda _: None):
        shop.engine.note_deed(shop.stack, "a", made, "started")
    found = shop.engine.overview.list_history(shop.stack)
    assert [(one.kind, one.user) for one in found if one.kind != "created"] == [
        ("started", "me@here"),
        *(("stopped", word.user) for word in reversed(words[3:])),
    ]
    live = shop.look(made)
    assert (len(live.past), live.hold, live.outdated) == (1, None, ())
    assert {*live.past} <= {*live.amendments}
    shop.engine.remove_container(made, 0)
    assert {orphan.name for orphan in shop.observe().orphans} == {*live.past}


def test_how_old_one_is_is_told_as_long_as_it_runs(shop: Workshop) -> None:
    begun = shop.engine.overview.now()
    container_id = shop.start(shop.sandbox())
    age = shop.engine.read_age(container_id)
    assert age is not None
    assert 0 <= age <= shop.engine.overview.now() - begun + 2
    shop.engine.stop_container(container_id, 0)
    assert shop.engine.read_age(container_id) is None
