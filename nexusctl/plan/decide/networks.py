"""The stack's networks: which live ones serve, which are to be made, which are in excess."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from nexusctl.model.engine_names import network_name
from nexusctl.model.observed.live import LiveNetwork, LiveState
from nexusctl.model.plan.plan import Attachment
from nexusctl.model.stack import Network, Sandbox, Stack
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.compare.network_names import link_siblings, name_in
from nexusctl.plan.decide.conflicts import count_members


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPlan:
    """`attachments` by name in the file; `missing` are to be made, `excess` to be removed.

    `subnets` are the ranges of those that are missing, as far as they are known, and `sandboxes` how many will join.
    `links` are those of each sandbox that is in an external network. `renewed` maps those that are missing to the live
    ones that have to go first, because the engine refuses a second network of one name, or one with its addresses.
    """

    stack: str

    attachments: Mapping[str, Attachment]
    missing: tuple[Network, ...]
    excess: tuple[LiveNetwork, ...]
    subnets: Mapping[str, str]
    sandboxes: Mapping[str, int]
    links: Mapping[str, Mapping[str, tuple[str, ...]]]
    renewed: Mapping[str, LiveNetwork]

    def join(self, sandbox: Sandbox) -> tuple[Attachment, ...]:
        """The networks of `sandbox`, with the names that it has and knows in each."""
        links = self.links.get(sandbox.name, {})
        return tuple(
            replace(found, names=name_in(self.stack, sandbox, found), links=links.get(network, ()))
            for network in sandbox.networks
            for found in (self.attachments[network],)
        )


def plan_networks(stack: Stack, live: LiveState) -> NetworkPlan:
    """Networks that no sandbox joins are not made. Of duplicates, the one that most sandboxes are on is kept.

    What idle ones are on stays.
    """
    counts = count_members(stack)
    kept: set[str] = set()
    attachments: dict[str, Attachment] = {}
    missing: list[Network] = []
    for name in sorted(counts):
        if name in stack.networks and (external := stack.networks[name].external):
            attachments[name] = Attachment(
                network=name, name=external, id=live.outer.get(external, ""), external=True, by_name=True
            )
    for desired, chosen in _choose_networks(stack, live, counts):
        if chosen:
            kept.add(chosen.id)
        else:
            missing.append(desired)
        attachments[desired.name] = Attachment(
            network=desired.name,
            name=network_name(stack.name, desired.name),
            id=chosen.id if chosen else "",
            by_name=live.one_name,
        )
    # A container that never started may know its network by name only.
    known = {n.id for n in live.networks}
    joined = {key if key in known else name for sandbox in live.idle for key, name in sandbox.networks.items()}
    renewed = _find_renewed(stack, live, missing)
    kept.update(network.id for network in renewed.values())
    unused = (n for n in live.networks if n.id not in kept and n.id not in joined and n.name not in joined)
    excess = tuple(sorted(unused, key=lambda n: (n.network, n.id)))
    return NetworkPlan(
        attachments=attachments,
        missing=tuple(missing),
        excess=excess,
        subnets=_choose_subnets(stack, live, missing, counts) if missing else {},
        sandboxes=counts,
        stack=stack.name,
        renewed=renewed,
        links=link_siblings(stack) if any(found.external for found in attachments.values()) else {},
    )


def _find_renewed(stack: Stack, live: LiveState, missing: Iterable[Network]) -> dict[str, LiveNetwork]:
    names = {network_name(stack.name, network.name): network.name for network in missing}
    renewed = {names[network.name]: network for network in live.networks if live.one_name and network.name in names}
    for network in (network for network in missing if network.subnet):
        # Few stack files say where a network has its addresses.
        from nexusctl.plan.decide.subnets import overlaps  # noqa: PLC0415 - deferred: start-up time

        own = (found for found in live.networks if found.network == network.name)
        in_the_way = next((found for found in own if overlaps(network.subnet or "", found.subnet)), None)
        renewed.update({network.name: in_the_way} if in_the_way else {})
    return renewed


def lacks_networks(stack: Stack, live: LiveState) -> bool:
    """Whether a network of the stack is to be made."""
    return any(chosen is None for _, chosen in _choose_networks(stack, live, count_members(stack)))


def _choose_networks(
    stack: Stack, live: LiveState, counts: Mapping[str, int]
) -> Iterator[tuple[Network, LiveNetwork | None]]:
    """Each network of the stack's own that a sandbox joins, with the live one that serves; None for none."""
    attached = Counter(network_id for sandbox in live.sandboxes for network_id in sandbox.networks)
    for name, count in sorted(counts.items()):
        desired = stack.networks.get(name) or Network(name=name)
        if not desired.external:
            candidates = [
                n
                for n in live.networks
                if n.network == name and n.is_as(desired)
                if desired.subnet or _has_room(n, count, attached[n.id])
            ]
            yield desired, min(candidates, key=lambda n: (-attached[n.id], n.id), default=None)


def _has_room(network: LiveNetwork, wanted: int, attached: int) -> bool:
    """Whoever is in it needs no more room, however small it is."""
    if attached >= wanted or not network.subnet:
        return True
    # Most networks are there with all that are to be in them.
    from nexusctl.plan.decide.subnets import has_room  # noqa: PLC0415 - deferred: start-up time

    return has_room(network.subnet, wanted)


def _choose_subnets(
    stack: Stack, live: LiveState, missing: Iterable[Network], counts: Mapping[str, int]
) -> dict[str, str]:
    """The ranges of the networks to be made, empty where nobody looked which are free, or where none is."""
    if live.addresses is None:
        return {}
    # Most plans make no network.
    from nexusctl.plan.decide.subnets import choose_subnet  # noqa: PLC0415 - deferred: start-up time

    chosen: dict[str, str] = {}
    for network in sorted(missing, key=lambda network: not network.subnet):
        if network.subnet:
            chosen[network.name] = network.subnet
            continue
        called = network_name(stack.name, network.name)
        chosen[network.name] = choose_subnet(live.addresses, called, counts[network.name], chosen.values())
    return chosen


def call_networks(stack: Stack, live: LiveState) -> dict[str, str]:
    """The networks of the file and those of the stack by id and by what the engine calls them."""
    own = {key: network.network for network in live.networks for key in (network.id, network.name)}
    return own | {network.external: name for name, network in sorted(stack.networks.items()) if network.external}
