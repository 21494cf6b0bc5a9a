"""Many small stacks on one engine, each with a network of its own: more than the engine's own ranges have room for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from itertools import combinations

import daemon
from contestants import Nexusctl, same_sandboxes
from figure import Figure, Setting, Stopwatch, cleared, note

COUNT = 120
AT_ONCE = 8


def measure_crowd(setting: Setting) -> list[Figure]:
    """Apply and destroy, several at once. Raises RuntimeError where one fails or two networks overlap."""
    one = same_sandboxes(setting.image, 1)
    stacks = [Nexusctl(setting.folder, f"{setting.stack}-{number}", one) for number in range(COUNT)]
    seconds: dict[str, float] = {}
    with cleared(lambda: _each(stacks, "destroy")):
        note(f"{COUNT} stacks, {AT_ONCE} at once")
        seconds["apply"] = _each(stacks, "apply")
        _require_apart(setting.stack)
        seconds["destroy"] = _each(stacks, "destroy")
    return [
        Figure(what=f"{act} a stack with a network, {COUNT} of them, {AT_ONCE} at once", ours=[value], limit=limit)
        for (act, value), limit in zip(seconds.items(), (1.5, 1.5), strict=True)
    ]


def _each(stacks: list[Nexusctl], act: str) -> float:
    """Seconds a stack, from the first to the last. Raises RuntimeError for the first that fails, after all."""
    watch = Stopwatch()
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        watch.take("nexusctl", act, lambda: list(pool.map(lambda stack: getattr(stack, act)(), stacks)))
    return watch.of("nexusctl", act)[0] / len(stacks)


def _require_apart(prefix: str) -> None:
    found = [network for network in daemon.call("GET", "/networks") if network["Name"].startswith(f"{prefix}-")]
    subnets = [IPv4Network(config["Subnet"]) for network in found for config in network["IPAM"]["Config"]]
    clashes = sum(one.overlaps(other) for one, other in combinations(subnets, 2))
    if len(subnets) != COUNT or clashes:
        raise RuntimeError(f"{len(subnets)} of {COUNT} networks are there, and {clashes} pairs of them overlap")
