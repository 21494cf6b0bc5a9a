"""What passes from one sandbox to another, which has to wait until the one has let go of it. Pure.

Host ports and names can be had by one only; a volume or folder that somebody writes to only by those that the file
gives it to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nexusctl.model.endpoint import overlap
from nexusctl.model.engine_names import container_name
from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.compare.mount_sources import MountSource, Users, covers, desired_sources, live_sources
from nexusctl.plan.decide.decide import Decision

ALIVE = ("running", "paused", "restarting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """`what`, in words such as `host port 8080`, that the container `holder` gives up and the sandbox `taker` gets."""

    what: str
    holder: LiveSandbox
    taker: str


def find_handovers(
    stack: str, live: LiveState, decisions: Mapping[str, Decision], volumes: Mapping[str, str]
) -> tuple[Handover, ...]:
    """Those to the sandboxes that start or start anew; what a sandbox keeps for itself is none.

    `volumes` maps the volumes of the file to what the engine calls them.
    """
    return (*_find_ports(live, decisions), *_find_sources(stack, live, decisions, volumes))


def find_bereft(stack: str, decisions: Mapping[str, Decision], volumes: Mapping[str, str]) -> frozenset[str]:
    """The sandboxes whose old container must not run again after its replacement has begun.

    What it writes to, or reads, is another's by then: that one starts in this plan, or has started since it ended.
    """
    replaced = [
        (name, d, d.holder.state in ALIVE, _given_up(stack, d.holder, d, volumes))
        for name, d in decisions.items()
        if d.action == "replace" and d.holder
    ]
    if not any(sources for *_, sources in replaced):
        return frozenset()
    users = Users(
        (source, name)
        for name, decision in decisions.items()
        for source in desired_sources(decision.sandbox.mounts, stack, volumes)
    )
    return frozenset(
        name
        for name, decision, alive, sources in replaced
        for source in sources
        for wanted, user in users.clashing(source)
        if user != name and not (alive and not _starts(decisions[user]))
        if not covers(_staying(stack, decision, volumes), source, wanted)
    )


def find_squatters(stack: str, live: LiveState, decisions: Mapping[str, Decision]) -> dict[str, LiveSandbox]:
    """The containers that bear the name of another sandbox, by that one, where it is to get its name now."""
    wanted = {
        container_name(stack, name): name
        for name, decision in decisions.items()
        if decision.action in ("create", "replace", "rerun") or decision.rename
    }
    present = (*live.sandboxes, *live.idle)
    found = ((wanted[container.name], container) for container in present if container.name in wanted)
    return {name: container for name, container in found if container.sandbox != name}


def _find_ports(live: LiveState, decisions: Mapping[str, Decision]) -> Iterator[Handover]:
    wanted: dict[tuple[int, str], list[tuple[str, str]]] = {}
    for name, decision in decisions.items():
        for port in decision.sandbox.ports if _starts(decision) else ():
            if port.host:
                wanted.setdefault((port.host, port.protocol), []).append((port.address, name))
    for found in sorted(live.sandboxes, key=lambda found: found.id) if wanted else ():
        for port in found.ports:
            for address, taker in wanted.get((port.host, port.protocol), ()) if port.host else ():
                if taker != found.sandbox and overlap(address, port.address):
                    yield Handover(what=f"host port {port.host}", holder=found, taker=taker)


def _find_sources(
    stack: str, live: LiveState, decisions: Mapping[str, Decision], volumes: Mapping[str, str]
) -> Iterator[Handover]:
    """Of each container that ends, to each sandbox that starts with what this one may not have beside it."""
    ending = [
        (found, decisions.get(found.sandbox))
        for found in sorted(live.sandboxes, key=lambda found: found.id)
        if found.state in ALIVE and _ends(found, decisions.get(found.sandbox))
    ]
    users = Users(
        (source, (found, decision))
        for found, decision in ending
        for source in _given_up(stack, found, decision, volumes)
    )
    # One that is only stopped waits for what it depends on, as all that changes does.
    waiting = {
        found.id: _find_upstream(found.sandbox, decisions) for found, its in ending if its and its.action != "replace"
    }
    for name, decision in decisions.items() if ending else ():
        if not decision.sandbox.mounts or not (_starts(decision) or _restarts(decision)):
            continue
        passed: dict[str, Handover] = {}
        for wanted in desired_sources(decision.sandbox.mounts, stack, volumes):
            for given, (found, its) in users.clashing(wanted):
                if found.sandbox == name or name in waiting.get(found.id, ()):
                    continue
                if not covers(_staying(stack, its, volumes), given, wanted):
                    passed.setdefault(found.id, Handover(what=wanted.words, holder=found, taker=name))
        yield from passed.values()


def _starts(decision: Decision) -> bool:
    made = decision.action in ("create", "replace", "rerun")
    return (made and decision.sandbox.state != "stopped") or bool(decision.restore)


def _find_upstream(name: str, decisions: Mapping[str, Decision]) -> set[str]:
    """All that a sandbox depends on, however indirectly."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        decision = decisions.get(waiting.pop())
        fresh = {d.sandbox for d in decision.sandbox.depends_on} - found if decision else set()
        found |= fresh
        waiting += fresh
    return found


def _restarts(decision: Decision) -> bool:
    """Whether it stops and starts after an upload."""
    if decision.action != "update" or not any(upload.on_change for upload in decision.sandbox.uploads):
        return False
    # Most plans send no file.
    from nexusctl.plan.decide.upload_reactions import find_reactions  # noqa: PLC0415 - deferred: start-up time

    return any(reaction.restart for reaction in find_reactions(decision))


def _ends(found: LiveSandbox, decision: Decision | None) -> bool:
    """Whether the plan ends the container: its sandbox is no more, is stopped or gets another one; or a leftover."""
    if decision is None or decision.holder is None or decision.holder.id != found.id:
        return True
    return decision.action in ("replace", "rerun") or decision.rest == "stop"


def _given_up(
    stack: str, found: LiveSandbox, decision: Decision | None, volumes: Mapping[str, str]
) -> tuple[MountSource, ...]:
    """What the container has, without what the next one of its sandbox keeps just so."""
    kept = {(source.kind, source.key) for source in _staying(stack, decision, volumes)}
    written = {(source.kind, source.key) for source in _staying(stack, decision, volumes) if not source.read_only}
    return tuple(
        source
        for source in live_sources(found, stack, volumes)
        if (source.kind, source.key) not in (kept if source.read_only else written)
    )


def _staying(stack: str, decision: Decision | None, volumes: Mapping[str, str]) -> tuple[MountSource, ...]:
    """What its sandbox has from now on; one that does not run neither reads nor writes."""
    if decision is None or decision.sandbox.state == "stopped":
        return ()
    return desired_sources(decision.sandbox.mounts, stack, volumes)
