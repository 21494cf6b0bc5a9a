"""Who has to join an external network again because the others of its stack are called otherwise there by now. Pure.

Containers that older versions have made bear plain names in such networks, and look for plain names. They stay as they
are while nothing changes. When one of their siblings comes anew, under its stack's name, those that meet it nowhere
else would not find it any more, nor it them: they leave the network and join it as a new container does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from nexusctl.model.plan.plan import Attachment
from nexusctl.model.stack import Stack
from nexusctl.plan.compare.network_names import find_external
from nexusctl.plan.decide.decide import Decision
from nexusctl.plan.decide.network_changes import join_again
from nexusctl.plan.decide.networks import NetworkPlan

_NEW = ("create", "replace", "rerun")


def rejoin(stack: Stack, networks: NetworkPlan, decisions: Mapping[str, Decision]) -> dict[str, Decision]:
    """`decisions` with those worked in that follow from the others."""
    new = {name for name, decision in decisions.items() if decision.action in _NEW}
    external = find_external(stack)
    return {name: _rejoin(decision, stack, networks, new, external) for name, decision in decisions.items()}


def _rejoin(
    decision: Decision, stack: Stack, networks: NetworkPlan, new: set[str], external: frozenset[str]
) -> Decision:
    holder, sandbox = decision.holder, decision.sandbox
    kept = "networks" in sandbox.lifecycle.ignore or sandbox.kind == "task" or decision.action in _NEW
    if holder is None or holder.named or holder.adopted or kept:
        return decision
    met = {name: tuple(_met_in(stack, sandbox.name, name, external)) for name in sorted(new)}
    again = tuple(a for a in networks.join(sandbox) if any(a.network in places for places in met.values()))
    connect, disconnect = join_again(holder, again, decision.connect, decision.disconnect)
    if connect == decision.connect:
        return decision
    reason = f"{_enumerate(again)} is joined again, which cuts its connections there: {_say_new(met)}"
    return replace(
        decision,
        action="update",
        cause=decision.cause if decision.action == "update" else "changed",
        reason="; ".join(word for word in (decision.reason, reason) if word),
        connect=connect,
        disconnect=disconnect,
    )


def _met_in(stack: Stack, one: str, other: str, external: frozenset[str]) -> Iterator[str]:
    """The networks in which two sandboxes meet, where all of them are external ones."""
    shared = set(stack.sandboxes[one].networks) & set(stack.sandboxes[other].networks)
    if shared <= external:
        yield from sorted(shared)


def _enumerate(attachments: tuple[Attachment, ...]) -> str:
    return ", ".join(attachment.name for attachment in attachments)


def _say_new(met: Mapping[str, tuple[str, ...]]) -> str:
    names = [name for name, places in met.items() if places]
    return f"{', '.join(names)} {'gets' if len(names) == 1 else 'get'} the stack's name there"
