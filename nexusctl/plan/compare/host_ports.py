"""Host ports that a new container has from the old one of its sandbox: fixed, and chosen by an engine. Pure.

A number that an engine chose stays the sandbox's as long as that costs nobody an answer. It is not free while the old
container has it, so the old one is stopped first, unless it is to serve until the new one is ready: as the health check
of its sandbox promises, and the others of its group.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from nexusctl.model.endpoint import overlap
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.stack import Port, Sandbox


def is_probed(sandbox: Sandbox, holder: LiveSandbox) -> bool:
    """Whether anybody can tell when a new container serves. A health check of the image shows in the old one."""
    return bool(sandbox.health) or (sandbox.image_health and holder.health != "none")


def want_same_port(sandbox: Sandbox, holder: LiveSandbox) -> bool:
    """Whether the new container is to have a host port that `holder` has; a fixed one may be what an engine chose."""
    fixed = [port for port in sandbox.ports if port.host]
    record = holder.record
    had = [port for port in (*holder.ports, *(record.ports if record else ())) if port.host]
    return any(_is_one(a, b) for a in had for b in fixed) or bool(
        find_chosen(sandbox, holder) and sandbox.group == sandbox.name and not is_probed(sandbox, holder)
    )


def find_chosen(sandbox: Sandbox, holder: LiveSandbox, fixed: Iterable[Port] = ()) -> tuple[Port, ...]:
    """Those ports of `sandbox` without a number for which an engine chose one for `holder`, with that.

    A number that is among the `fixed` ones is another's from now on.
    """
    if not holder.ports or holder.record is None:
        return ()
    given = [port for port in holder.record.ports if port.host]
    taken = {(port.host, port.protocol) for port in fixed}
    left = [port for port in holder.ports if (port.host, port.protocol) not in taken]
    chosen = [port for port in left if not any(_is_one(port, own) for own in given)]
    found = []
    for port in sandbox.ports:
        if port.host is None and (same := _pick(port, chosen)):
            chosen.remove(same)
            found.append(replace(port, host=same.host))
    return tuple(found)


def _pick(port: Port, chosen: Iterable[Port]) -> Port | None:
    same = (p for p in chosen if (p.container, p.protocol) == (port.container, port.protocol))
    return min(same, key=lambda p: p.address != port.address, default=None)


def _is_one(one: Port, other: Port) -> bool:
    return (one.host, one.protocol) == (other.host, other.protocol) and overlap(one.address, other.address)
