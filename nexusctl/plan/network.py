"""The stack's networks and volumes: which live ones serve, which are to be made, which are in excess."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from nexusctl.model.live import LiveNetwork, LiveState
from nexusctl.model.names import network_name, volume_name
from nexusctl.model.plan import Attachment
from nexusctl.model.stack import Network, Stack
from nexusctl.model.value import dataclass
from nexusctl.plan.conflict import used_networks


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPlan:
    """`attachments` by name in the file; `missing` are to be made, `excess` to be removed."""

    attachments: Mapping[str, Attachment]
    missing: tuple[Network, ...]
    excess: tuple[LiveNetwork, ...]


def plan_networks(stack: Stack, live: LiveState) -> NetworkPlan:
    """Networks that no sandbox joins are not made. Of duplicates, the one that most sandboxes are on is kept.

    What idle ones are on stays.
    """
    attached = Counter(network_id for sandbox in live.sandboxes for network_id in sandbox.networks)
    kept: set[str] = set()
    attachments: dict[str, Attachment] = {}
    missing: list[Network] = []
    for name in used_networks(stack):
        desired = stack.networks.get(name, Network(name=name))
        if desired.external:
            attachments[name] = Attachment(network=name, name=desired.external, external=True)
            continue
        candidates = [n for n in live.networks if n.network == name and n.internal == desired.internal]
        chosen = min(candidates, key=lambda n: (-attached[n.id], n.id), default=None)
        if chosen:
            kept.add(chosen.id)
        else:
            missing.append(desired)
        attachments[name] = Attachment(
            network=name, name=network_name(stack.name, name), id=chosen.id if chosen else ""
        )
    # A container that never started may know its network by name only.
    known = {n.id for n in live.networks}
    joined = {key if key in known else name for sandbox in live.idle for key, name in sandbox.networks.items()}
    unused = (n for n in live.networks if n.id not in kept and n.id not in joined and n.name not in joined)
    excess = tuple(sorted(unused, key=lambda n: (n.network, n.id)))
    return NetworkPlan(attachments=attachments, missing=tuple(missing), excess=excess)


def call_networks(stack: Stack, live: LiveState) -> dict[str, str]:
    """The networks of the file and those of the stack by id and by what the engine calls them."""
    own = {key: network.network for network in live.networks for key in (network.id, network.name)}
    return own | {network.external: name for name, network in sorted(stack.networks.items()) if network.external}


def engine_volumes(stack: Stack) -> dict[str, str]:
    """What the engine calls each volume of the file."""
    return {name: volume.external or volume_name(stack.name, name) for name, volume in stack.volumes.items()}
