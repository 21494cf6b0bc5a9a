"""Which host ports are the same one: as the kernel has it, asked by opening them."""

from __future__ import annotations

import itertools
import socket

import pytest

from nexusctl.model.endpoint import bracketed, host_of, overlap

ADDRESSES = ("127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::")


def open_port(address: str, port: int) -> socket.socket:
    """As the engine's proxy does: one of IPv6 is for IPv6 only."""
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = socket.socket(kind, socket.SOCK_STREAM)
    if kind == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        opened.bind((address, port))
        opened.listen()
    except OSError:
        opened.close()
        raise
    return opened


@pytest.mark.parametrize(("one", "other"), [*itertools.product(ADDRESSES, ADDRESSES)])
def test_addresses_overlap_where_the_kernel_gives_one_port_away_once(one: str, other: str) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with open_port(one, 0) as first:
        port = first.getsockname()[1]
        try:
            open_port(other, port).close()
        except OSError:
            assert overlap(one, other)
        else:
            assert not overlap(one, other)


def test_addresses_of_ipv6_stand_in_brackets_before_a_port() -> None:
    assert [bracketed(address) for address in ("127.0.0.1", "::1")] == ["127.0.0.1", "[::1]"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_this_machine_reaches_what_listens_where_it_is_told(address: str) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with open_port(address, 0) as listening:
        port = listening.getsockname()[1]
        socket.create_connection((host_of(address), port), timeout=10).close()
