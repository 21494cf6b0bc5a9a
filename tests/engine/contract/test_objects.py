from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from ipaddress import ip_network
from itertools import combinations

import pytest

from nexusctl.errors import Conflict, NotFound
from nexusctl.model.engine_names import container_name, volume_name
from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.live import Orphan, Owner
from nexusctl.model.observed.lock_holder import LockHolder
from nexusctl.model.stack import Mount, Network, Port, Volume
from nexusctl.plan.decide.subnets import choose_subnet, count_free, overlaps
from tests.engine.contract.conftest import UNREACHABLE
from tests.engine.workshop import Workshop


def test_an_engine_is_told_by_what_stays_the_same(shop: Workshop) -> None:
    assert shop.engine.identity() == shop.engine.identity() != ""


def test_a_stack_is_known_by_anything_of_it_and_by_nothing_else(shop: Workshop, other: Workshop) -> None:
    assert shop.engine.list_stacks().isdisjoint({shop.stack, other.stack})
    network = shop.join()
    other.engine.create_volume(other.stack, Volume(name="data"), f"{other.stack}_data")
    assert {shop.stack, other.stack} <= shop.engine.list_stacks()
    shop.engine.remove_network(network.id)
    container_id = shop.create(shop.sandbox())
    assert shop.stack in shop.engine.list_stacks()
    shop.engine.remove_container(container_id)
    assert shop.stack not in shop.engine.list_stacks()


def test_the_sandboxes_of_all_stacks_are_listed_with_their_state_maker_and_branch(
    shop: Workshop, other: Workshop
) -> None:
    holder = LockHolder(stack=shop.stack, owner=uuid.uuid4().hex, user="me", host="here", branch="feature/x")
    with shop.engine.lock(shop.stack, holder, timeout=5, report=lambda _: None):
        running = shop.start(shop.sandbox("b"))
    made = other.create(other.sandbox("a"))
    other.engine.create_volume(other.stack, Volume(name="data"), f"{other.stack}_data")
    listed = shop.engine.overview.list_sandboxes()
    assert [(one.id, one.sandbox, one.state, one.maker, one.branch) for one in listed[shop.stack]] == [
        (running, "b", "running", "me@here", "feature/x")
    ]
    assert [(one.id, one.sandbox, one.state, one.maker, one.branch) for one in listed[other.stack]] == [
        (made, "a", "created", "", "")
    ]
    assert {shop.stack, other.stack} <= listed.keys()
    (live,) = shop.observe().sandboxes
    assert listed[shop.stack][0].created_at == live.created_at > 0
    # What was moved since it was made goes by the name that it has now.
    shop.engine.amend(shop.stack, shop.sandbox("c"), running)
    assert [one.sandbox for one in shop.engine.overview.list_sandboxes()[shop.stack]] == ["c"]


def test_what_is_stopped_on_purpose_is_listed_with_whose_word_that_is(shop: Workshop, other: Workshop) -> None:
    stopped, runs = shop.create(shop.sandbox("a")), shop.start(shop.sandbox("b"))
    alike = other.create(other.sandbox("a"))
    for name, container_id in (("a", stopped), ("b", runs)):
        hold = Hold(state="stopped", user="dev", since=1_700_000_000)
        shop.engine.note_hold(shop.stack, name, container_id, hold)
    listed = shop.engine.overview.list_sandboxes()
    # One that runs again all the same is kept by nothing.
    held = {one.sandbox: one.held for one in listed[shop.stack]}
    assert held["b"] is None
    assert held["a"]
    assert (held["a"].state, held["a"].user, held["a"].since) == ("stopped", "dev", 1_700_000_000)
    assert [(one.id, one.held) for one in listed[other.stack]] == [(alike, None)]


def test_who_has_done_what_is_told_newest_first(shop: Workshop, other: Workshop) -> None:
    holder = LockHolder(stack=shop.stack, owner=uuid.uuid4().hex, user="me", host="here")
    with shop.engine.lock(shop.stack, holder, timeout=5, report=lambda _: None):
        made = shop.create(shop.sandbox("a"))
        shop.engine.amend(shop.stack, shop.sandbox("a", command=("sleep", "9")), made)
    other.create(other.sandbox("b"))
    shop.engine.note_hold(shop.stack, "a", made, Hold(state="paused", user="you", since=4_000_000_000))
    found = shop.engine.overview.list_history(shop.stack)
    assert [(one.kind, one.user, one.sandbox, one.container) for one in found] == [
        ("paused", "you", "a", made),
        ("changed", "me@here", "a", made),
        ("created", "me@here", "a", made),
    ]
    assert found[0].at == 4_000_000_000 > found[1].at >= found[2].at > 0
    assert {one.cause for one in found} == {""}


def test_who_lets_it_live_longer_and_what_its_lifetime_ended_is_told(shop: Workshop) -> None:
    begun = shop.engine.overview.now()
    made = {name: shop.create(shop.sandbox(name)) for name in ("a", "b", "c")}
    shop.engine.note_extension(shop.stack, "a", made["a"], 3_000_000_000, "ann")
    for name, idle in (("b", True), ("c", False)):
        word = Hold(state="stopped", user="reaper", since=4_000_000_000, by_lifetime=True, idle=idle)
        shop.engine.note_hold(shop.stack, name, made[name], word)
    shop.engine.remove_container(made["c"], 0)
    found = [one for one in shop.engine.overview.list_history(shop.stack) if one.kind != "created"]
    assert [(one.kind, one.user, one.sandbox, one.container, one.cause, one.until) for one in found] == [
        ("destroyed", "reaper", "c", made["c"], "lifetime", None),
        ("stopped", "reaper", "b", made["b"], "idle", None),
        ("extended", "ann", "a", made["a"], "", 3_000_000_000),
    ]
    assert int(begun) <= found[2].at < 3_000_000_000


def test_a_network_is_made_once_and_removed_once(shop: Workshop) -> None:
    first = shop.join("private", internal=True)
    assert shop.join("private", internal=True) == first
    (live,) = shop.observe().networks
    assert (live.id, live.name, live.network, live.internal) == (first.id, first.name, "private", True)
    shop.engine.remove_network(first.id)
    shop.engine.remove_network(first.id)
    assert shop.observe().networks == ()


def test_a_network_of_the_other_kind_does_not_serve(shop: Workshop) -> None:
    kinds = [Network(name="x"), Network(name="x", internal=True), Network(name="x", enable_ipv6=True)]
    if shop.observe().one_name:
        # Newer engines refuse a second one of a name, so the plan removes the first before it.
        shop.engine.create_network(shop.stack, kinds[0], f"{shop.stack}_x")
        for kind in kinds[1:]:
            with pytest.raises(Conflict):
                shop.engine.create_network(shop.stack, kind, f"{shop.stack}_x")
        return
    made = [shop.engine.create_network(shop.stack, kind, f"{shop.stack}_x") for kind in kinds]
    assert len(set(made)) == len(kinds)
    assert [shop.engine.create_network(shop.stack, kind, f"{shop.stack}_x") for kind in kinds] == made
    assert {n.id: (n.internal, n.enable_ipv6) for n in shop.observe().networks} == {
        network_id: (kind.internal, kind.enable_ipv6) for network_id, kind in zip(made, kinds, strict=True)
    }


def test_what_another_stack_has_made_is_its_own_until_a_record_of_its_shares_it(
    shop: Workshop, other: Workshop
) -> None:
    network = other.join("back")
    volume = volume_name(other.stack, "data")
    other.engine.create_volume(other.stack, Volume(name="data"), volume)
    declared = {
        "networks": {"n": Network(name="n", external=network.name), "mine": Network(name="mine")},
        "volumes": {"v": Volume(name="v", external=volume)},
    }

    def owners() -> dict[tuple[str, str], Owner]:
        return dict(shop.observe(**declared).owners)

    both = {("network", network.name), ("volume", volume)}
    assert owners() == dict.fromkeys(both, Owner(stack=other.stack, shares=True)), "nobody is there to say"
    first = other.create(other.sandbox())
    assert owners() == dict.fromkeys(both, Owner(stack=other.stack, shares=False))
    (found,) = other.observe().sandboxes
    assert found.record
    other.engine.amend(other.stack, replace(found.record, shares=("volume:data",)), first)
    assert {kind: owner.shares for (kind, _), owner in owners().items()} == {"network": False, "volume": True}
    assert other.observe(**declared).owners == {}


def test_a_network_gets_the_range_that_it_is_given_or_another_where_somebody_has_it(
    shop: Workshop, other: Workshop
) -> None:
    planned = find_free_range(shop)
    for owner in (shop, other):
        owner.engine.create_network(owner.stack, Network(name="back"), f"{owner.stack}_back", planned, 3)
    (first,), (second,) = shop.observe().networks, other.observe().networks
    assert first.subnet == planned
    assert not overlaps(second.subnet, planned)
    # It is taken over whatever its range.
    assert shop.engine.create_network(shop.stack, Network(name="back"), first.name, "10.89.250.0/24", 3) == first.id


def test_those_who_make_networks_at_once_all_get_a_range(shop: Workshop, other: Workshop) -> None:
    """As stacks do that are applied at once: all have found the same one free."""
    planned = find_free_range(shop)
    names = [(owner, f"n{number}") for owner in (shop, other) for number in range(6)]
    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        list(pool.map(lambda one: make(*one, planned), names))
    subnets = [ip_network(network.subnet) for owner in (shop, other) for network in owner.observe().networks]
    assert len(subnets) == len(names)
    assert not any(one.overlaps(another) for one, another in combinations(subnets, 2))


def make(owner: Workshop, name: str, subnet: str) -> None:
    owner.engine.create_network(owner.stack, Network(name=name), f"{owner.stack}_{name}", subnet)


def find_free_range(shop: Workshop) -> str:
    """As a plan finds it for a network of this stack."""
    space = shop.observe(shop.sandbox(networks=("back",))).addresses
    assert space is not None
    return choose_subnet(space, f"{shop.stack}_back", 3)


def test_which_ranges_are_free_is_told_where_a_network_is_missing(shop: Workshop) -> None:
    sandbox = shop.sandbox(networks=("back",))
    made = shop.join("back")
    (network,) = shop.observe(sandbox).networks
    assert shop.observe(sandbox).addresses is None
    space = shop.observe(shop.sandbox(networks=("front",))).addresses
    assert space is not None
    assert network.subnet in space.used
    assert (network.id, count_free(space) > 0) == (made.id, True)


def test_a_network_in_use_stays_and_says_by_whom(shop: Workshop) -> None:
    network = shop.join()
    shop.start(shop.sandbox(), networks=(network,))
    with pytest.raises(Conflict, match=f"{shop.stack}_a"):
        shop.engine.remove_network(network.id)
    assert len(shop.observe().networks) == 1


def test_a_sandbox_joins_all_its_networks_before_its_first_start(shop: Workshop) -> None:
    networks = (shop.join("one"), shop.join("two"))
    container_id = shop.create(shop.sandbox(networks=("one", "two")), networks=networks)
    assert shop.look(container_id).networks == {network.id: network.name for network in networks}
    shop.engine.start_container(container_id)
    assert shop.look(container_id).networks == {network.id: network.name for network in networks}


def test_a_sandbox_without_networks_is_in_none(shop: Workshop) -> None:
    assert shop.look(shop.start(shop.sandbox())).networks == {}


def test_networks_are_joined_and_left_while_it_runs(shop: Workshop) -> None:
    one, two = shop.join("one"), shop.join("two")
    container_id = shop.start(shop.sandbox(networks=("one",)), networks=(one,))
    for _ in range(2):
        shop.engine.connect(container_id, two, ("a",))
        assert shop.look(container_id).networks == {one.id: one.name, two.id: two.name}
    for _ in range(2):
        shop.engine.disconnect(container_id, one.id)
        assert shop.look(container_id).networks == {two.id: two.name}


def test_one_that_is_hidden_stays_in_its_network_and_can_be_found_again(shop: Workshop) -> None:
    network = shop.join()
    container_id = shop.start(shop.sandbox(networks=("default",)), networks=(network,))
    for _ in range(2):
        shop.engine.hide(container_id, network)
        assert shop.look(container_id).networks == {network.id: network.name}
    shop.engine.disconnect(container_id, network.id)
    shop.engine.hide(container_id, network)
    assert shop.look(container_id).networks == {network.id: network.name}
    shop.engine.stop_container(container_id)
    shop.engine.hide(container_id, network)
    assert shop.look(container_id).networks == {network.id: network.name}
    with pytest.raises(NotFound):
        shop.engine.hide("0" * 64, network)


def test_nobody_is_connected_to_one_that_has_just_started(shop: Workshop) -> None:
    network = shop.join()
    container_id = shop.start(shop.sandbox(networks=("default",)), networks=(network,))
    assert not shop.engine.has_callers(container_id, (80, 443))


def test_a_sandbox_without_networks_can_join_one_and_keeps_it_over_a_restart(shop: Workshop) -> None:
    network = shop.join()
    container_id = shop.start(shop.sandbox())
    shop.engine.connect(container_id, network, ("a",))
    shop.engine.stop_container(container_id)
    shop.engine.start_container(container_id)
    assert shop.look(container_id).networks == {network.id: network.name}
    shop.engine.disconnect(container_id, network.id)
    assert shop.look(container_id).networks == {}


def test_a_volume_is_made_once_and_removed_once(shop: Workshop) -> None:
    name = f"{shop.stack}_data"
    for _ in range(2):
        shop.engine.create_volume(shop.stack, Volume(name="data"), name)
    (live,) = shop.observe().volumes
    assert (live.name, live.volume) == (name, "data")
    for _ in range(2):
        shop.engine.remove_volume(name)
    assert shop.observe().volumes == ()


def test_a_volume_of_another_stack_is_never_taken(shop: Workshop, other: Workshop) -> None:
    other.engine.create_volume(other.stack, Volume(name="data"), f"{shop.stack}_data")
    with pytest.raises(Conflict, match="taken"):
        shop.engine.create_volume(shop.stack, Volume(name="data"), f"{shop.stack}_data")
    other.engine.remove_volume(f"{shop.stack}_data")


def test_a_volume_in_use_stays_and_says_by_whom(shop: Workshop) -> None:
    name = f"{shop.stack}_data"
    shop.engine.create_volume(shop.stack, Volume(name="data"), name)
    mount = Mount(kind="volume", source="data", target="/data")
    shop.create(shop.sandbox(mounts=(mount,)), volumes={"data": name})
    with pytest.raises(Conflict, match=f"{shop.stack}_a"):
        shop.engine.remove_volume(name)
    assert len(shop.observe().volumes) == 1


def test_the_newest_amendment_is_the_record(shop: Workshop) -> None:
    sandbox = shop.sandbox()
    container_id = shop.create(sandbox)
    names = [shop.engine.amend(shop.stack, replace(sandbox, timeout=n), container_id) for n in (1, 2)]
    again = shop.engine.amend(shop.stack, replace(sandbox, timeout=2), container_id)
    live = shop.look(container_id)
    assert again == names[1]
    assert live.record == replace(sandbox, timeout=2)
    assert live.amendments == tuple(names)
    shop.engine.remove_amendment(names[0])
    shop.engine.remove_amendment(names[0])
    live = shop.look(container_id)
    assert (live.record, live.amendments) == (replace(sandbox, timeout=2), (names[1],))


def test_more_than_nine_amendments_keep_their_order(shop: Workshop) -> None:
    sandbox = shop.sandbox()
    container_id = shop.create(sandbox)
    for n in range(1, 12):
        shop.engine.amend(shop.stack, replace(sandbox, timeout=n), container_id)
    assert shop.look(container_id).record == replace(sandbox, timeout=11)


def test_an_amendment_whose_container_is_gone_is_an_orphan(shop: Workshop) -> None:
    container_id = shop.create(shop.sandbox())
    name = shop.engine.amend(shop.stack, shop.sandbox(timeout=1), container_id)
    assert shop.observe().orphans == ()
    shop.engine.remove_container(container_id)
    assert shop.observe().orphans == (Orphan(kind="amendment", name=name),)
    shop.engine.remove_amendment(name)
    assert shop.observe().orphans == ()


def test_stacks_do_not_see_each_other(shop: Workshop, other: Workshop) -> None:
    other.start(other.sandbox(), networks=(other.join(),))
    live = shop.observe()
    assert (live.sandboxes, live.networks, live.volumes) == ((), (), ())


def test_a_needed_name_that_another_stack_has_is_reported_with_its_owner(shop: Workshop, other: Workshop) -> None:
    sandbox = shop.sandbox()
    name = container_name(shop.stack, "a")
    other.engine.create_container(other.stack, sandbox, replace(other.place(sandbox), name=name))
    taken = shop.observe(sandbox).taken["container"]
    assert set(taken) == {name}
    assert other.stack in taken[name]


def test_host_ports_of_others_are_reported_and_own_ones_are_not(shop: Workshop, other: Workshop) -> None:
    own = shop.start(shop.sandbox(ports=(Port(container=80),)), networks=(shop.join(),))
    foreign = other.start(other.sandbox(ports=(Port(container=80),)), networks=(other.join(),))
    found = shop.observe().host_ports
    own_port, foreign_port = shop.look(own).ports[0].host, other.look(foreign).ports[0].host
    assert ("127.0.0.1", own_port, "tcp") not in found
    assert found["127.0.0.1", foreign_port, "tcp"] == f"{other.stack}_a"


def test_images_that_are_here_are_not_asked_for_and_absent_ones_are(shop: Workshop) -> None:
    live = shop.observe(shop.sandbox("a"), shop.sandbox("b", image=UNREACHABLE))
    assert shop.image in live.images
    assert UNREACHABLE not in live.images
    assert live.unreachable == {UNREACHABLE}


def test_a_task_that_was_seen_to_end_is_live_without_its_container(shop: Workshop) -> None:
    sandbox = shop.sandbox(kind="task", command=("sh", "-c", "exit 0"))
    container_id = shop.start(sandbox)
    shop.await_exit(container_id)
    shop.engine.note_end(shop.stack, "a", container_id)
    seen = shop.look(container_id)
    assert seen.end in seen.amendments
    shop.engine.remove_container(container_id)
    for deep in (False, True):
        (left,) = shop.observe(deep=deep).sandboxes
        assert (left.id, left.sandbox, left.name) == (container_id, "a", container_name(shop.stack, "a"))
        assert (left.state, left.exit_code, left.end, left.partial) == ("exited", 0, seen.end, False)
        assert left.record == seen.record
    assert shop.observe().orphans == ()
    shop.engine.remove_amendment(left.end)
    assert shop.observe().sandboxes == ()


def test_a_network_has_the_addresses_and_labels_that_are_asked_for(shop: Workshop, other: Workshop) -> None:
    subnet = free_subnet(shop)
    first, last = subnet.removesuffix("0/24") + "254", subnet.removesuffix("0/24") + "128/25"
    wanted = Network(name="x", subnet=subnet, gateway=first, ip_range=last, labels={"team": "red"})
    made = shop.engine.create_network(shop.stack, wanted, f"{shop.stack}_x")
    (live,) = shop.observe().networks
    assert live.id == made == shop.engine.create_network(shop.stack, wanted, f"{shop.stack}_x")
    assert live.declare() == wanted
    with pytest.raises(Conflict, match="another network has addresses of its subnet"):
        other.engine.create_network(other.stack, Network(name="x", subnet=subnet), f"{other.stack}_x")
    other_labels = replace(wanted, labels={"team": "blue"})
    assert not live.is_as(other_labels)
    shop.engine.replace_network(shop.stack, other_labels, live.name, live.id, ())
    (live,) = shop.observe().networks
    assert live.declare() == other_labels


def test_a_network_whose_range_nobody_named_is_declared_without_one(shop: Workshop) -> None:
    shop.join("back")
    (live,) = shop.observe().networks
    assert live.declare() == Network(name="back")


def test_a_volume_has_the_options_and_labels_that_are_asked_for(shop: Workshop) -> None:
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
    wanted = Volume(name="data", driver_opts=options, labels={"backup": "daily"})
    shop.engine.create_volume(shop.stack, wanted, volume_name(shop.stack, "data"))
    shop.engine.create_volume(shop.stack, wanted, volume_name(shop.stack, "data"))
    (live,) = shop.observe().volumes
    assert live.declare() == wanted


def free_subnet(shop: Workshop) -> str:
    """A range of 256 addresses that no network of the engine has."""
    shop.join("probe")
    (probe,) = shop.observe().networks
    shop.engine.remove_network(probe.id)
    return probe.subnet
