"""What the records of a stack say, taken as its desired state: the plan for it holds nothing but drift. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from nexusctl.model.engine_names import container_name
from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.plan.plan import Change, Plan
from nexusctl.model.stack import Network, Sandbox, Stack, Volume
from nexusctl.plan.commands.basis import Basis
from nexusctl.plan.commands.names import Choice
from nexusctl.plan.commands.rollback import recall_stack
from nexusctl.plan.compare.claims import settle_claims


def recorded_stack(stack: Stack, live: LiveState) -> Stack:
    """The declared sandboxes, as recorded where they are live; all that are live where `stack` declares none.

    One that is still to be moved goes by the name of its record.
    """
    basis = Basis(stack=stack, live=live, choice=Choice(), plan=Plan(stack=stack.name))
    recalled = recall_stack(basis)
    former = {move.source: move.target for move in recalled.moved}
    wanted = {former.get(name, name): _refer_back(sandbox, former) for name, sandbox in stack.sandboxes.items()}
    declared = {name: recalled.sandboxes.get(name, sandbox) for name, sandbox in wanted.items()}
    return replace(
        recalled,
        moved=(),
        sandboxes=declared or recalled.sandboxes,
        networks={**{n.name: n for n in _guess_external(recalled, live)}, **recalled.networks},
        volumes={**{v.name: v for v in _find_external(recalled, live)}, **recalled.volumes},
    )


def _refer_back(sandbox: Sandbox, former: Mapping[str, str]) -> Sandbox:
    if not former:
        return sandbox
    depends_on = tuple(replace(d, sandbox=former.get(d.sandbox, d.sandbox)) for d in sandbox.depends_on)
    return replace(sandbox, depends_on=depends_on)


def select_drift(plan: Plan, names: frozenset[str] | None) -> Plan:
    """The changes of the plan for a recorded stack that are drift, without steps; those of `names` where it is given.

    A task that is to run again has not drifted, and an image that is missing is no part of a stack.
    """
    changes = tuple(change for change in plan.changes if _is_drift(change) and (names is None or _is_of(change, names)))
    unchanged = tuple(name for name in plan.unchanged if names is None or name in names)
    return replace(plan, changes=changes, steps=(), unchanged=unchanged)


def _is_drift(change: Change) -> bool:
    return change.kind not in ("image", "record") and change.action != "run"


def _is_of(change: Change, names: frozenset[str]) -> bool:
    return change.kind == "sandbox" and change.name in names


def _guess_external(stack: Stack, live: LiveState) -> Iterator[Network]:
    """Without a stack file nobody says what an external network is called: the one other that a sandbox is in."""
    own = {network.id for network in live.networks}
    for holder, record in _list_holders(stack, live):
        unknown = [name for name in record.networks if name not in stack.networks]
        others = [name for network_id, name in holder.networks.items() if network_id not in own]
        if len(unknown) == len(others) == 1:
            yield Network(name=unknown[0], external=others[0])


def _find_external(stack: Stack, live: LiveState) -> Iterator[Volume]:
    """A container says what lies where, so an external volume is known by the place that it is mounted at."""
    for holder, record in _list_holders(stack, live):
        for mount in record.mounts:
            if mount.kind == "volume" and mount.source not in stack.volumes and mount.target in holder.volumes:
                yield Volume(name=mount.source, external=holder.volumes[mount.target])


def _list_holders(stack: Stack, live: LiveState) -> Iterator[tuple[LiveSandbox, Sandbox]]:
    """The container of each sandbox that is live, with its record."""
    names = {found.sandbox: container_name(stack.name, found.sandbox) for found in live.sandboxes}
    for claim in settle_claims(live.sandboxes, names).values():
        if claim.holder and claim.holder.record:
            yield claim.holder, claim.holder.record
