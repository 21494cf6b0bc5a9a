"""Who has done what to a stack; as the Docker one tells it."""

from __future__ import annotations

from nexusctl.engine.memory.world import World
from nexusctl.model.observed.history import Deed, sort_history, tell_end


def list_history(world: World, stack: str) -> tuple[Deed, ...]:
    """The newest first; the caller holds the world's mutex."""
    found = [
        Deed(at=one.created_at, sandbox=one.sandbox.name, kind="created", user=one.maker, container=key)
        for key, one in world.containers.items()
        if one.stack == stack
    ]
    found += [
        Deed(at=one.created_at, sandbox=one.sandbox.name, kind="changed", user=one.maker, container=one.container_id)
        for one in world.amendments.values()
        if one.stack == stack and one.sandbox
    ]
    found += [
        Deed(
            at=one.since,
            sandbox=one.sandbox,
            kind="extended",
            user=one.user,
            container=one.container_id,
            until=one.until,
        )
        for one in world.extensions.values()
        if one.stack == stack
    ]
    found += [deed for one in world.pasts.values() if one.stack == stack for deed in one.deeds]
    found += [
        tell_end(hold, world.held_names[name], key, present=key in world.containers)
        for name, (owner, key, hold) in world.holds.items()
        if owner == stack
    ]
    return sort_history(found)
