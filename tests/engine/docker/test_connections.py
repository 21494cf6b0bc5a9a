"""Who is connected to a sandbox, by the kernel's tables as they are read inside of it: hostile data."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects.connections import Address, Range, _find_callers, _read_hex
from nexusctl.model.plan.plan import Attachment
from tests.engine.workshop import Workshop

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
GATEWAYS = (ip_address("10.89.86.1"), ip_address("fd00::1"))
RANGES: tuple[Range, ...] = (ip_network("10.89.86.0/28"), ip_network("fd00::/64"))


def place(wire: Wire, container_id: str) -> dict[str, Any]:
    """What the engine says of a container in its only network."""
    (found,) = wire.get(f"/containers/{container_id}/json")["NetworkSettings"]["Networks"].values()
    return dict(found)


def entry(remote: str, state: str = "01", port: int = 8080, own: str = "0356590A") -> str:
    return (
        f"   0: {own}:{port:04X} {remote}:C350 {state} 00000000:00000000 00:00000000 00000000 0 0 1 1 0 20 4 30 10 -1\n"
    )


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        pytest.param(entry("0156590A"), True, id="through the host's proxy"),
        pytest.param(entry("0101A8C0"), True, id="from far away"),
        pytest.param(entry("0456590A"), False, id="a neighbour"),
        pytest.param(entry("0100007F"), False, id="itself"),
        pytest.param(entry("0156590A", port=8081), False, id="another port"),
        pytest.param(entry("00000000", state="0A"), False, id="it listens"),
        pytest.param(entry("0156590A", state="06"), False, id="it is over"),
        pytest.param(entry("0156590A", state="08"), True, id="the caller has said all and waits"),
        pytest.param(entry("0156590A", state="04"), True, id="the answer is on its way"),
        pytest.param(entry("0000000000000000FFFF00000156590A"), True, id="on a socket of both kinds"),
        pytest.param(entry("0000000000000000FFFF00000456590A"), False, id="a neighbour on one of both kinds"),
        pytest.param(entry("000000FD000000000000000001000000"), True, id="through the host's proxy by IPv6"),
        pytest.param(entry("000000FD000000000000000004000000"), False, id="a neighbour by IPv6"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_who_counts_as_somebody_from_outside(line: str, counts: bool) -> None:
    assert any(_find_callers(HEAD + line, {8080}, GATEWAYS, RANGES)) is counts


@pytest.mark.parametrize("odd", ["0:zz 0156590A:1 01", "0:1F90 1:1 01", "00 00 01", "0356590A:1F90 01:1:1 01"])
def test_odd_lines_are_an_error(odd: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        list(_find_callers(f"{HEAD}0: {odd} 0\n", {8080}, GATEWAYS, RANGES))


def test_addresses_are_read_in_the_machines_order() -> None:
    expected: dict[str, Address] = {
        "0100007F": ip_address("127.0.0.1"),
        "B80D01200000000067452301EFCDAB89": ip_address("2001:db8::123:4567:89ab:cdef"),
        "0000000000000000FFFF0000F982600A": ip_address("10.96.130.249"),
    }
    assert {text: _read_hex(text) for text in expected} == expected


FAKES = {
    "it hangs": "sleep 100",
    "it writes without an end": "yes",
    "it says nothing": "true",
    "it is not there": "",
    "it fails": "echo '  sl '; exit 3",
    "it talks nonsense": "echo '  sl '; echo '0: x y 01 z'",
}


@pytest.mark.engine
@pytest.mark.parametrize("fake", FAKES)
def test_where_nothing_inside_tells_there_may_be_somebody(shop: Workshop, fake: str) -> None:
    container_id = shop.start(shop.sandbox())
    assert not shop.engine.has_callers(container_id, (80,))
    script = "rm $(command -v cat)"
    if FAKES[fake]:
        script = f"printf '#!/bin/sh\\n%s\\n' \"{FAKES[fake]}\" > $(command -v cat)"
    assert shop.engine.run_script(container_id, script).exit_code == 0
    assert shop.engine.has_callers(container_id, (80,))


@pytest.mark.engine
def test_one_that_does_not_run_or_is_gone_may_have_somebody(shop: Workshop) -> None:
    container_id = shop.create(shop.sandbox())
    assert shop.engine.has_callers(container_id, (80,))
    assert shop.engine.has_callers("0" * 64, (80,))


@pytest.mark.engine
def test_a_hidden_one_keeps_its_address_also_where_the_engine_would_give_it_another(shop: Workshop, wire: Wire) -> None:
    network = shop.join()
    first = shop.start(shop.sandbox("a", networks=("default",)), networks=(network,))
    second = shop.start(shop.sandbox("b", networks=("default",)), networks=(network,))
    before = place(wire, second)["IPAddress"]
    shop.engine.remove_container(first)
    shop.engine.hide(second, network)
    assert place(wire, second)["IPAddress"] == before
    shop.engine.disconnect(second, network.id)
    shop.engine.connect(second, network, ("b",))
    # The lowest that is free; and not for good.
    assert place(wire, second)["IPAddress"] < before
    assert not place(wire, second)["IPAMConfig"]


@pytest.mark.engine
def test_in_a_network_whose_range_is_the_engines_choice_it_gets_another_address(shop: Workshop, wire: Wire) -> None:
    key = f"{shop.stack}-plain"
    made = wire.post("/networks/create", {"Name": key})["Id"]
    attachment = Attachment(network="plain", name=key, id=made, external=True)
    try:
        container_id = shop.start(shop.sandbox(networks=("plain",)), networks=(attachment,))
        shop.engine.hide(container_id, attachment)
        assert place(wire, container_id)["EndpointID"]
        assert not place(wire, container_id)["IPAMConfig"]
        shop.engine.remove_container(container_id)
    finally:
        wire.delete(f"/networks/{made}")


@pytest.mark.engine
def test_who_joins_a_network_again_is_found_there_by_all_its_names(shop: Workshop, wire: Wire) -> None:
    names = ("group", "site")
    network = shop.join()
    peer = shop.start(shop.sandbox("peer"), networks=(network,))
    attachment = replace(network, names=names)
    sandbox = shop.sandbox("a")
    made = shop.engine.create_container(shop.stack, sandbox, replace(shop.place(sandbox), networks=(attachment,)))
    shop.engine.start_container(made)

    def find(name: str) -> list[str]:
        return shop.engine.run_command(peer, ("getent", "hosts", name)).output.split()[:1]

    def is_found() -> bool:
        return [find(name) for name in names] == [[place(wire, made)["IPAddress"]]] * len(names)

    assert is_found()
    shop.engine.hide(made, attachment)
    assert [find(name) for name in names] == [[]] * len(names)
    for _ in range(2):
        shop.engine.disconnect(made, network.id)
        shop.engine.connect(made, attachment, attachment.names)
        assert is_found()
    # It is not bound to an address that somebody else may have by its next start.
    assert not (place(wire, made)["IPAMConfig"] or {}).get("IPv4Address")
    shop.engine.restart_container(made, 0)
    assert is_found()
