"""Which IPv4 range a new network gets: the first free one of the pool, from a place that its name tells. Pure.

Not the engine chooses, for its own ranges are large, and used up by thirty networks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nexusctl.model.observed.address_space import AddressSpace
from nexusctl.model.stack import Network
from nexusctl.model.values.checksum import sha256

Range = tuple[int, int]
"""The first address and how many of its bits are fixed."""

DEFAULT_POOLS = ("10.89.0.0/16", "10.90.0.0/15", "10.92.0.0/14", "172.16.0.0/12", "192.168.0.0/16")
"""Private ranges, first those in which Podman makes its networks: Docker's come last, for others get theirs there."""

VARIABLE = "NEXUS_SUBNETS"
"""The environment variable that names other pools."""

USUAL_PREFIX = 24
SPARE = 8
"""Addresses beyond one a sandbox that a network needs at least: replacements come up beside what they replace."""

_RESERVED = 3
"""Addresses that no container gets: the network's own, the host's and the one for broadcasts."""


def choose_subnet(space: AddressSpace, name: str, sandboxes: int, tried: Iterable[str] = ()) -> str:
    """A range that nobody uses for the network `name` of so many sandboxes, empty where none is left.

    It has twice the addresses that they need; where no such one is left, fewer, down to what they need. Those in
    `tried` are taken for used. A pool that cannot be read is not passed over: nothing is left then.
    """
    if find_malformed(space):
        return ""
    pools = [found for found in map(parse_range, space.pools) if found]
    used = [found for found in map(parse_range, (*space.used, *tried)) if found]
    start = int(sha256(name.encode())[:8], 16)
    wanted = min(USUAL_PREFIX, _prefix_for(2 * sandboxes + SPARE))
    for prefix in range(wanted, _prefix_for(sandboxes + SPARE) + 1):
        for pool in pools:
            if (free := _find_free(pool, used, prefix, start)) is not None:
                return f"{_write_address(free)}/{prefix}"
    return ""


def count_free(space: AddressSpace, prefix: int = USUAL_PREFIX) -> int:
    """How many networks of that size have a place in the pools of `space`."""
    used = [found for found in map(parse_range, space.used) if found]
    pools = [found for found in map(parse_range, space.pools) if found]
    return sum(max(0, _count_slots(pool, prefix) - len(_find_taken(pool, used, prefix))) for pool in pools)


def find_malformed(space: AddressSpace) -> tuple[str, ...]:
    """The pools of `space` that are no IPv4 ranges."""
    return tuple(pool for pool in space.pools if parse_range(pool) is None)


def has_room(subnet: str, sandboxes: int) -> bool:
    """Whether so many, and a few that replace some of them, fit into this range; of an unknown one it is believed."""
    found = parse_range(subnet)
    return found is None or 2 ** (32 - found[1]) - _RESERVED >= sandboxes + min(sandboxes, SPARE)


def find_small(network: Network, sandboxes: int) -> str:
    """The range of a network that has too few addresses for so many, as the stack file says it; empty for none."""
    for text, reserved in ((network.subnet, _RESERVED), (network.ip_range, 0)):
        found = parse_range(text or "")
        if found and 2 ** (32 - found[1]) - reserved < sandboxes:
            return text or ""
    return ""


def say_full(name: str, space: AddressSpace) -> tuple[str, str]:
    """What is wrong where no range is left for the network `name`, and what to do."""
    if malformed := find_malformed(space):
        return f"{VARIABLE}: {malformed[0]} is no IPv4 range", f"write it as `{VARIABLE}={','.join(DEFAULT_POOLS[:2])}`"
    hint = f"remove unused networks (see `docker network ls`), or name more ranges in {VARIABLE}"
    return f"network {name}: no address range is left in {', '.join(space.pools)}", hint


def find_clash(space: AddressSpace, subnet: str, but: str = "") -> str:
    """The first range in use that shares an address with `subnet`, except for the one that is to go; empty for none."""
    gone = parse_range(but)
    return next((used for used in space.used if overlaps(subnet, used) and parse_range(used) != gone), "")


def overlaps(one: str, other: str) -> bool:
    """Whether two ranges share an address; one that cannot be read shares none."""
    found, against = parse_range(one), parse_range(other)
    return bool(found and against and _overlap(found, against))


def parse_range(text: str) -> Range | None:
    """An IPv4 range such as `10.0.0.0/8`, whose bits behind the prefix do not count; None for anything else."""
    address, _, prefix = text.strip().partition("/")
    parts = address.split(".")
    numbers = [int(part) for part in (*parts, prefix) if part.isascii() and part.isdecimal() and len(part) <= 3]
    if len(parts) != 4 or len(numbers) != 5 or max(numbers[:4]) > 255 or numbers[4] > 32:
        return None
    whole = (numbers[0] << 24) + (numbers[1] << 16) + (numbers[2] << 8) + numbers[3]
    return whole & ~_mask(numbers[4]), numbers[4]


def _write_address(address: int) -> str:
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))


def _mask(prefix: int) -> int:
    """The bits that are free behind a prefix."""
    return (1 << (32 - prefix)) - 1


def _prefix_for(addresses: int) -> int:
    """Of the smallest range with room for so many containers."""
    return 32 - (addresses + _RESERVED - 1).bit_length()


def _count_slots(pool: Range, prefix: int) -> int:
    return 1 << (prefix - pool[1]) if prefix >= pool[1] else 0


def _find_free(pool: Range, used: Iterable[Range], prefix: int, start: int) -> int | None:
    """The first address of a free part of `pool`; `start` says where to begin, so that few meet who begin at once."""
    slots = _count_slots(pool, prefix)
    taken = _find_taken(pool, used, prefix) if slots else set()
    if len(taken) >= slots:
        return None
    slot = next(slot for slot in _turn(slots, start % slots) if slot not in taken)
    return pool[0] + (slot << (32 - prefix))


def _turn(slots: int, first: int) -> Iterator[int]:
    yield from range(first, slots)
    yield from range(first)


def _find_taken(pool: Range, used: Iterable[Range], prefix: int) -> set[int]:
    """The numbers of the parts of `pool` that somebody uses."""
    taken: set[int] = set()
    for other in used:
        if _overlap(pool, other):
            first, last = max(pool[0], other[0]), min(_last(pool), _last(other))
            taken.update(range(first - pool[0] >> (32 - prefix), (last - pool[0] >> (32 - prefix)) + 1))
    return taken


def _overlap(one: Range, other: Range) -> bool:
    return one[0] <= _last(other) and other[0] <= _last(one)


def _last(one: Range) -> int:
    return one[0] | _mask(one[1])
