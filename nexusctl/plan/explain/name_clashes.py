"""What of others is near: names that a neighbour bears in a network as well, and labels that lie. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nexusctl.errors import Diagnostic
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
        for network in sorted(external.intersection(sandbox.networks)):
            called = stack.networks[network].external or ""
            taken = live.neighbours.get(called, {})
            yield from _find_shared(stack.name, sandbox, network, called, taken)
            holder = holders.get(sandbox.name)
            if holder and not holder.named:
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


def _find_shared(
    stack: str, sandbox: Sandbox, network: str, called: str, taken: Mapping[str, str]
) -> Iterator[Diagnostic]:
    for name in name_in(stack, sandbox, Attachment(network=network, name=called, external=True)):
        if name in taken:
            yield Diagnostic(
                f"{sandbox.name}: {name} is what {taken[name]} is called as well on {called}: others may get either",
                sandbox=sandbox.name,
                hint="give it another alias there, or rename the other one",
            )


def _find_missed(holder: LiveSandbox, names: list[str], called: str, taken: Mapping[str, str]) -> Iterator[Diagnostic]:
    """What an older version has made asks for plain names wherever it is."""
    for name in names:
        yield Diagnostic(
            f"{holder.sandbox} may get {taken[name]} when it asks for {name}: both are called so on {called}",
            sandbox=holder.sandbox,
            hint="remove its container and apply: a new one gets its own stack's",
        )
