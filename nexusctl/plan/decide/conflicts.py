"""What is live and forbids the plan: found before anything is changed, all of it at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from nexusctl.errors import Diagnostic
from nexusctl.model.engine_names import container_name, image_reference, network_name, volume_name
from nexusctl.model.observed.live import LiveState
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.plan.compare.claims import Claim
from nexusctl.plan.compare.declared_volumes import compare_volume
from nexusctl.plan.decide.images import find_unlocked

BRIDGE_CAPACITY = 1000
"""A Linux bridge takes 1,023 ports, and a network that met that limit cannot be removed until the daemon restarts."""


def find_conflicts(stack: Stack, live: LiveState, claims: dict[str, Claim]) -> tuple[Diagnostic, ...]:
    """Foreign objects under names that the stack needs, external ones that are not there or not shared, records that
    cannot be read, networks that are too full, shared volumes that would be others, binds inside of what another
    stack can write to, waits for the health of what has no health check.
    """
    return (
        *_find_taken("container", ((name, container_name(stack.name, name)) for name in stack.sandboxes), live),
        *_find_taken("network", ((n, network_name(stack.name, n)) for n in _own_networks(stack)), live),
        *_find_taken(
            "volume", ((n, volume_name(stack.name, n)) for n, v in stack.volumes.items() if not v.external), live
        ),
        *(find_absent(stack, live) if live.absent else ()),
        *(find_unshared(stack, live, used=False) if live.owners else ()),
        *_find_unreadable(stack, claims),
        *_find_crowded(stack),
        *_find_unlike(stack, live),
        *(_find_nested(stack, live, claims) if live.foreign_binds else ()),
        *(find_unprobed(stack, live, _find_probed(claims)) if live.unprobed else ()),
        *(find_unlocked(stack, live) if stack.digests else ()),
    )


def used_networks(stack: Stack) -> tuple[str, ...]:
    """The networks that at least one sandbox joins, sorted."""
    return tuple(sorted({network for sandbox in stack.sandboxes.values() for network in sandbox.networks}))


def count_members(stack: Stack) -> Counter[str]:
    """How many sandboxes join each of the networks that at least one joins."""
    return Counter(network for sandbox in stack.sandboxes.values() for network in sandbox.networks)


def _own_networks(stack: Stack) -> Iterator[str]:
    for name in used_networks(stack):
        network = stack.networks.get(name)
        if network is None or network.external is None:
            yield name


def _find_taken(kind: str, names: Iterable[tuple[str, str]], live: LiveState) -> Iterator[Diagnostic]:
    taken = live.taken.get(kind, {})
    for wanted, name in sorted(names):
        if name in taken:
            yield Diagnostic(
                f"the {kind} name {name} is taken by {taken[name]}",
                sandbox=wanted if kind == "container" else None,
                hint=(
                    f"rename or remove that {kind}, or rename the stack: "
                    "what nexusctl did not make it touches only with `--adopt`"
                ),
            )


def find_absent(stack: Stack, live: LiveState) -> Iterator[Diagnostic]:
    """The external objects that are not there: the engine would make a volume itself, and nobody would remove it."""
    volumes = {mount.source for sandbox in stack.sandboxes.values() for mount in sandbox.mounts}
    used = {
        "network": {name: stack.networks[name].external for name in used_networks(stack) if name in stack.networks},
        "volume": {name: volume.external for name, volume in stack.volumes.items() if name in volumes},
    }
    for kind, called in sorted(live.absent):
        for name in (name for name, external in sorted(used[kind].items()) if external == called):
            yield Diagnostic(
                f"the {kind} {called} is not there, which the stack file calls {name} and external",
                hint=f"make it with `docker {kind} create {called}`, or correct its name: nexusctl makes only its own",
            )


def find_unshared(stack: Stack, live: LiveState, *, used: bool) -> Iterator[Diagnostic]:
    """The external objects that another stack does not share: those that the stack has in use, or all others."""
    in_use = {("volume", name) for found in live.sandboxes for name in found.volumes.values()}
    joined = {key for found in live.sandboxes for item in found.networks.items() for key in item}
    in_use |= {("network", name) for name, key in live.outer.items() if joined & {name, key}}
    for kind, called, name in list_external(stack):
        owner = live.owners.get((kind, called))
        if owner and not owner.stack and not used:
            yield Diagnostic(
                f"the {kind} {called}, which the stack file calls {name}, is nexusctl's own",
                hint="take another one: this one it keeps for itself, and no sandbox gets it",
            )
        elif owner and owner.stack and not owner.shares and ((kind, called) in in_use) == used:
            yield Diagnostic(
                f"the {kind} {called}, which the stack file calls {name}, is the stack {owner.stack}'s, and not shared",
                hint=f"write `shared: true` at that {kind} in the stack file of {owner.stack}, and apply that first",
            )


def say_whose(stack: Stack, live: LiveState, sandbox: Sandbox) -> Iterator[str]:
    """A phrase for each thing of `sandbox` that another stack has made."""
    used = {*sandbox.networks, *(mount.source for mount in sandbox.mounts if mount.kind == "volume")}
    for kind, called, name in list_external(stack):
        owner = live.owners.get((kind, called))
        if owner and owner.stack and name in used:
            yield f"the {kind} {called} is the stack {owner.stack}'s"


def list_external(stack: Stack) -> Iterator[tuple[str, str, str]]:
    """Kind, the engine's name and that in the file of each external object that a sandbox uses, sorted."""
    mounted = {mount.source for sandbox in stack.sandboxes.values() for mount in sandbox.mounts}
    for name, volume in sorted(stack.volumes.items()):
        if volume.external and name in mounted:
            yield "volume", volume.external, name
    for name in used_networks(stack):
        network = stack.networks.get(name)
        if network and network.external:
            yield "network", network.external, name


def _find_unreadable(stack: Stack, claims: dict[str, Claim]) -> Iterator[Diagnostic]:
    for name in sorted(stack.sandboxes):
        holder = claims[name].holder if name in claims else None
        if holder is not None and holder.record is None:
            yield Diagnostic(
                f"the record of sandbox {name} (container {holder.name}) cannot be read: {holder.record_problem}",
                sandbox=name,
                hint="upgrade nexusctl, or remove that container to have the sandbox made anew",
            )


def _find_nested(stack: Stack, live: LiveState, claims: dict[str, Claim]) -> Iterator[Diagnostic]:
    """Whoever can write to a folder decides, by a link, what the engine mounts from inside of it at the next start.

    What is mounted already is left as it is.
    """
    for name, sandbox in sorted(stack.sandboxes.items()):
        holder = claims[name].holder if name in claims else None
        kept = holder.record.mounts if holder and holder.record else ()
        for mount in (m for m in sandbox.mounts if m.kind == "bind" and m not in kept):
            for other in live.foreign_binds:
                inside = other.writable and any(
                    place.startswith(f"{other.source}/") for place in (mount.real, *mount.links)
                )
                around = not mount.read_only and other.source.startswith(f"{mount.real}/")
                if inside or around:
                    where = "lies inside of" if inside else "holds"
                    may = f"which the stack {other.owner} {'can write to' if inside else 'mounts'}"
                    yield Diagnostic(
                        f"the folder {mount.source} {where} {other.source}, {may}",
                        sandbox=name,
                        hint="mount a folder beside it, or the outer one read-only: a link in it could lead anywhere",
                    )


def _find_probed(claims: Mapping[str, Claim]) -> frozenset[str]:
    return frozenset(name for name, claim in claims.items() if claim.holder and claim.holder.health != "none")


def find_unprobed(stack: Stack, live: LiveState, probed: Collection[str]) -> Iterator[Diagnostic]:
    """Waits for the health of what neither file nor image checks; the containers of `probed` were made with a check."""
    for name, sandbox in sorted(stack.sandboxes.items()):
        for dependency in sandbox.depends_on:
            if (other := stack.sandboxes.get(dependency.sandbox)) is None:
                # A record may name one that is gone.
                continue
            own = other.health is not None or image_reference(other.image) not in live.unprobed
            if dependency.condition == "healthy" and not own and other.name not in probed:
                yield Diagnostic(
                    f"{name} waits for {other.name} to be healthy, and neither file nor image has a health check",
                    sandbox=name,
                    hint=f"give `{other.name}` a `health` probe, or write `condition: started`",
                )


def _find_crowded(stack: Stack) -> Iterator[Diagnostic]:
    for network, count in sorted(count_members(stack).items()):
        if count > BRIDGE_CAPACITY:
            yield Diagnostic(
                f"{count} sandboxes on network {network}: a bridge holds at most {BRIDGE_CAPACITY}",
                hint="spread the sandboxes over several networks",
            )
        declared = stack.networks.get(network)
        if declared and declared.subnet:
            # Few stack files say where a network has its addresses.
            from nexusctl.plan.decide.subnets import find_small  # noqa: PLC0415 - deferred: start-up time

            if small := find_small(declared, count):
                summary = f"{count} sandboxes on network {network}: {small} has too few addresses"
                yield Diagnostic(summary, hint="name a wider range, for replacements come up beside what they replace")


def _find_unlike(stack: Stack, live: LiveState) -> Iterator[Diagnostic]:
    """Shared volumes that the file wants otherwise than they are: others know them by their names."""
    present = {found.name: found for found in live.volumes}
    for name, volume in sorted(stack.volumes.items()):
        found = present.get(volume_name(stack.name, name)) if volume.shared and not volume.external else None
        if found and (unlike := next(compare_volume(found, volume), None)):
            field, before, after = unlike
            yield Diagnostic(
                f"the shared volume {found.name} has {field} {before}, and the file says {after}: "
                "other stacks may have it as it is",
                hint=(
                    "undo that or choose another name for it; to lose its data, "
                    f"remove its sandboxes and `docker volume rm {found.name}`"
                ),
            )
