"""Which IPv4 ranges networks get: the judge is the standard library's `ipaddress`."""

from __future__ import annotations

import itertools
from dataclasses import replace
from ipaddress import IPv4Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexusctl.engine.memory import MemoryEngine
from nexusctl.errors import EngineError, PlanError
from nexusctl.model.observed.address_space import AddressSpace
from nexusctl.model.observed.live import LiveNetwork, LiveState
from nexusctl.model.stack import Network, Sandbox, Stack
from nexusctl.plan.decide.subnets import (
    DEFAULT_POOLS,
    SPARE,
    choose_subnet,
    count_free,
    find_small,
    overlaps,
    parse_range,
)
from nexusctl.plan.plan import make_plan
from nexusctl.render.plan.plan import plan_document
from tests.plan.worlds import IMAGE, apply, new_engine, plan_for

ranges = st.builds(
    lambda address, prefix: str(ip_network((address, prefix), strict=False)),
    st.integers(0, 2**32 - 1),
    st.integers(8, 32),
)


def stack_of(name: str, count: int = 1, **networks: Network) -> Stack:
    sandboxes = (Sandbox(name=f"s-{n}", group=f"s-{n}", image=IMAGE) for n in range(count))
    return Stack(name=name, sandboxes={sandbox.name: sandbox for sandbox in sandboxes}, networks=networks)


@given(ranges)
def test_a_range_is_read_as_python_reads_it(text: str) -> None:
    network = IPv4Network(text)
    assert parse_range(text) == (int(network.network_address), network.prefixlen)


@given(ranges, ranges)
def test_ranges_overlap_where_python_says_so(one: str, other: str) -> None:
    assert overlaps(one, other) == IPv4Network(one).overlaps(IPv4Network(other))


@pytest.mark.parametrize(
    "text", ["", "10.0.0.0", "10.0.0/8", "10.0.0.0/33", "10.0.0.256/8", "fd00::/8", "10.0.0.0/-1", "10.0.0.0/²", "a/b"]
)
def test_what_is_no_range_is_none(text: str) -> None:
    assert parse_range(text) is None


@given(st.lists(ranges, max_size=12), st.sampled_from([1, 10, 130, 1000]), st.text(min_size=1, max_size=9))
def test_what_is_chosen_is_in_a_pool_holds_all_and_is_in_nobodys_way(used: list[str], count: int, name: str) -> None:
    chosen = choose_subnet(AddressSpace(pools=DEFAULT_POOLS, used=tuple(used)), name, count)
    if not chosen:
        # Not even the smallest part is free then.
        assert any(IPv4Network(one).prefixlen <= 10 for one in used)
        return
    network = IPv4Network(chosen)
    assert any(network.subnet_of(IPv4Network(pool)) for pool in DEFAULT_POOLS)
    assert not any(network.overlaps(IPv4Network(one)) for one in used)
    assert network.num_addresses - 3 >= count + SPARE


def test_the_size_follows_the_need_and_gives_way_where_little_is_left() -> None:
    wide = AddressSpace(pools=("10.1.0.0/16",))
    sizes = {count: IPv4Network(choose_subnet(wide, "n", count)).prefixlen for count in (1, 122, 123, 1000)}
    assert sizes == {1: 24, 122: 24, 123: 23, 1000: 21}
    # Half of a /24 is left.
    narrow = AddressSpace(pools=("10.1.0.0/24",), used=("10.1.0.0/25",))
    assert choose_subnet(narrow, "n", 1) == "10.1.0.128/25"
    assert choose_subnet(narrow, "n", 118) == ""


def test_free_parts_are_counted() -> None:
    assert count_free(AddressSpace(pools=("10.1.0.0/22",), used=("10.1.0.0/25", "10.1.1.0/32", "10.1.1.9/32"))) == 2
    assert count_free(AddressSpace(pools=("10.1.0.0/25",))) == 0


def test_one_name_gets_one_range_and_several_networks_of_a_stack_different_ones() -> None:
    networks = {name: Network(name=name) for name in ("a", "b", "c")}
    sandbox = Sandbox(name="s", group="s", image=IMAGE, networks=tuple(networks))
    stack = Stack(name="world", sandboxes={"s": sandbox}, networks=networks)
    live = LiveState(stack="world", addresses=AddressSpace(pools=("10.1.0.0/24", "10.2.0.0/23")))
    document = plan_document(make_plan(stack, live, frozenset()))
    chosen = [change["subnet"] for change in document["changes"] if change["kind"] == "network"]
    assert sorted(chosen) == ["10.1.0.0/24", "10.2.0.0/24", "10.2.1.0/24"]
    assert plan_document(make_plan(stack, live, frozenset())) == document
    assert {change["subnet"] for change in document["changes"] if change["kind"] != "network"} == {None}


def test_a_plan_for_which_no_range_is_left_is_refused() -> None:
    live = LiveState(stack="world", addresses=AddressSpace(pools=("10.1.0.0/24",), used=("10.0.0.0/8",)))
    with pytest.raises(PlanError, match=r"network world_default: no address range is left in 10\.1\.0\.0/24"):
        make_plan(stack_of("world"), live, frozenset())
    typed = replace(live, addresses=AddressSpace(pools=("10.1.0.0/24", "10.2.0/24")))
    with pytest.raises(PlanError, match=r"NEXUS_SUBNETS: 10\.2\.0/24 is no IPv4 range"):
        make_plan(stack_of("world"), typed, frozenset())


def test_300_stacks_have_a_network_each_that_overlaps_no_other() -> None:
    engine = new_engine()
    # What Docker's own ranges hold is gone already.
    for number, subnet in enumerate([*(f"172.{n}.0.0/16" for n in range(17, 32)), "192.168.0.0/16"]):
        engine.networks[f"other-{number}"] = (
            "",
            LiveNetwork(id=f"other-{number}", name="x", network="", subnet=subnet),
        )
    for number in range(300):
        apply(engine, stack_of(f"stack-{number}"))
    subnets = [IPv4Network(network.subnet) for _, network in engine.networks.values() if network.subnet]
    assert len(subnets) == 316
    assert not any(one.overlaps(other) for one, other in itertools.combinations(subnets, 2))
    assert all(plan_for(engine, stack_of(f"stack-{number}")).empty for number in range(300))


def test_a_range_that_was_free_when_it_was_planned_and_is_not_any_more_is_replaced_by_another() -> None:
    engine = new_engine()
    plan = plan_for(engine, stack_of("one"))
    planned = next(change.subnet for change in plan.changes if change.kind == "network")
    engine.networks["other"] = ("", LiveNetwork(id="other", name="other", network="", subnet=planned))
    made = engine.create_network("one", Network(name="default"), "one_default", planned)
    assert not overlaps(engine.networks[made][1].subnet, planned)


def test_where_nothing_is_left_the_engine_says_so() -> None:
    engine = MemoryEngine(images=[IMAGE])
    engine.pools = ("10.1.0.0/28",)
    with pytest.raises(EngineError, match="no address range is left") as caught:
        engine.create_network("one", Network(name="default"), "one_default", sandboxes=30)
    assert "NEXUS_SUBNETS" in (caught.value.diagnostics[0].hint or "")


@pytest.mark.parametrize("subnet", ["", "10.5.0.0/16", "192.168.3.0/28"])
def test_the_range_of_a_network_that_is_there_is_never_drift(subnet: str) -> None:
    engine = new_engine()
    apply(engine, stack_of("one"))
    set_subnet(engine, "one_default", subnet)
    assert plan_for(engine, stack_of("one")).empty


def test_a_network_that_is_too_small_for_those_who_are_to_join_is_made_anew() -> None:
    engine = new_engine()
    apply(engine, stack_of("one", 4))
    set_subnet(engine, "one_default", "192.168.3.0/28")
    # Thirteen addresses hold six with one more for each, or thirteen that are in it already.
    assert [change.kind for change in plan_for(engine, stack_of("one", 6)).changes] == ["sandbox"] * 2
    apply(engine, stack_of("one", 9))
    (network,) = (found for owner, found in engine.networks.values() if owner == "one")
    assert IPv4Network(network.subnet).prefixlen == 24
    assert plan_for(engine, stack_of("one", 9)).empty


def set_subnet(engine: MemoryEngine, name: str, subnet: str) -> None:
    for key, (owner, network) in engine.networks.items():
        if network.name == name:
            engine.networks[key] = (owner, replace(network, subnet=subnet))


@pytest.mark.parametrize(
    ("subnet", "ip_range", "sandboxes", "small"),
    [
        ("10.20.0.0/29", None, 5, ""),
        ("10.20.0.0/29", None, 6, "10.20.0.0/29"),
        ("10.20.0.0/24", "10.20.0.8/31", 2, ""),
        ("10.20.0.0/24", "10.20.0.8/31", 3, "10.20.0.8/31"),
        (None, None, 500, ""),
    ],
)
def test_a_named_range_has_to_have_an_address_for_each_sandbox(
    subnet: str | None, ip_range: str | None, sandboxes: int, small: str
) -> None:
    assert find_small(Network(name="back", subnet=subnet, ip_range=ip_range), sandboxes) == small


def test_a_named_range_that_somebody_has_is_refused_and_the_networks_own_is_not() -> None:
    engine = new_engine()
    engine.create_network("other", Network(name="back", subnet="10.20.0.0/24"), "other_back")
    back = stack_of("shop", back=Network(name="back", subnet="10.20.0.128/25"))
    stack = replace(back, sandboxes={n: replace(s, networks=("back",)) for n, s in back.sandboxes.items()})
    with pytest.raises(PlanError, match=r"shares addresses with 10\.20\.0\.0/24"):
        plan_for(engine, stack)
    apply(engine, replace(stack, networks={"back": Network(name="back", subnet="10.20.1.0/24")}))
    smaller = replace(stack, networks={"back": Network(name="back", subnet="10.20.1.0/25", labels={"a": "b"})})
    apply(engine, smaller)
    assert plan_for(engine, smaller).steps == ()
    assert [network.subnet for network in engine.observe(smaller).networks] == ["10.20.1.0/25"]
