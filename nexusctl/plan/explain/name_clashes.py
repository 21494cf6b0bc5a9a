"""What of others is near: names that a neighbour bears in a network as well, and labels that lie. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nexusctl.errors import Diagnostic
from nexusctl.model.engine_names import network_name
from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.plan.plan import Attachment
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.plan.compare.network_names import find_external, link_siblings, name_in


def find_clashes(stack: Stack, live: LiveState) -> Iterator[Diagnostic]:
    """A warning for each name that others may be answered to by either, and for each that one's own may miss."""
    if not any(live.neighbours.values()):
        return
    links, external = link_siblings(stack), find_external(stack)
    holders = {found.sandbox: found for found in live.sandboxes}
    for sandbox in stack.sandboxes.values():
        for network in sorted(sandbox.networks):
            called = (network in external and stack.networks[network].external) or network_name(stack.name, network)
            taken = live.neighbours.get(called, {})
            place = Attachment(network=network, name=called, external=network in external)
            yield from _find_shared(stack.name, sandbox, place, taken)
            holder = holders.get(sandbox.name)
            if holder and not holder.named and network in external:
                asked = {link.rpartition(":")[2] for link in links[sandbox.name].get(network, ())}
                yield from _find_missed(holder, sorted(asked & taken.keys()), called, taken)


def name_foreign(live: LiveState) -> Iterator[Diagnostic]:
    """A warning for each object that says it is the stack's and is not taken for it."""
    for found in live.foreign:
        remove = "docker rm --force" if found.kind == "container" else f"docker {found.kind} rm"
        yield Diagnostic(
            f"the {found.kind} {found.name} bears the labels of this stack, and is left alone: {found.reason}",
            hint=f"where nobody needs it: `{remove} {found.name}`",
        )


def _find_shared(stack: str, sandbox: Sandbox, place: Attachment, taken: Mapping[str, str]) -> Iterator[Diagnostic]:
    names = dict.fromkeys(name_in(stack, sandbox, place), "alias")
    if sandbox.hostname:
        names.setdefault(sandbox.hostname, "hostname")
    for name in (name for name in names if name in taken):
        other, called = taken[name], place.name
        yield Diagnostic(
            f"{sandbox.name}: {name} is what {other} is called as well on {called}: others may get either",
            sandbox=sandbox.name,
            hint=(
                f"give it another {names[name]} there, or rename the other one"
                if place.external
                else f"give {other} another name there, or `docker network disconnect {called} {other}`"
            ),
        )


def _find_missed(holder: LiveSandbox, names: list[str], called: str, taken: Mapping[str, str]) -> Iterator[Diagnostic]:
    """What an older version has made asks for plain names wherever it is."""
    for name in names:
        yield Diagnostic(
            f"{holder.sandbox} may get {taken[name]} when it asks for {name}: both are called so on {called}",
            sandbox=holder.sandbox,
            hint="remove its container and apply: a new one gets its own stack's",
        )
