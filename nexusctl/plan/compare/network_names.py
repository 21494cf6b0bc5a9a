"""Under which names a sandbox is found in its networks, and which names it looks for there first. Pure.

In a network that others share a plain name would be theirs as well: a sandbox bears its stack's name in front there.
Who is in such a network asks for the names of its own stack in such a way that nobody else's can answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nexusctl.model.engine_names import container_name
from nexusctl.model.plan.plan import Attachment
from nexusctl.model.stack import Sandbox, Stack

Links = Mapping[str, tuple[str, ...]]
"""By network, each `LOOKED-FOR:KNOWN-AS`: who asks for the second is answered with the first, as it is known there."""


def name_in(stack: str, sandbox: Sandbox, attachment: Attachment) -> tuple[str, ...]:
    """The names under which others in the network find `sandbox`."""
    own = (sandbox.name, sandbox.group)
    if attachment.external:
        own = (container_name(stack, sandbox.name), container_name(stack, sandbox.group))
    return tuple(dict.fromkeys((*own, *sandbox.aliases.get(attachment.network, ()))))


def link_siblings(stack: Stack) -> dict[str, Links]:
    """The links of each sandbox that is in an external network: to whom of the stack it shares a network with.

    In a network of the stack's own a name is looked for as it is. In an external one it means the stack's own, or
    nobody, so that a neighbour never answers for one of the stack's that is not there.
    """
    external = find_external(stack)
    known: dict[str, dict[str, None]] = {}
    for sandbox in stack.sandboxes.values():
        for network in sandbox.networks:
            known.setdefault(network, {}).update({sandbox.name: None, sandbox.group: None})
    return {
        name: dict(_link(stack.name, sandbox, known, external))
        for name, sandbox in stack.sandboxes.items()
        if not external.isdisjoint(sandbox.networks)
    }


def find_external(stack: Stack) -> frozenset[str]:
    """The networks of the file that somebody else has made."""
    return frozenset(name for name, network in stack.networks.items() if network.external)


def _link(
    stack: str, sandbox: Sandbox, known: Mapping[str, Mapping[str, None]], external: frozenset[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    reached = sorted({name for network in sandbox.networks for name in known[network]})
    for network in sandbox.networks:
        if network in external:
            yield network, tuple(f"{container_name(stack, name)}:{name}" for name in reached)
        else:
            yield network, tuple(f"{name}:{name}" for name in sorted(known[network]))
