"""How much a plan takes away for good, keeps or passes on: what containers have written, and volumes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nexusctl.model.plan.plan import Plan

NOTHING: Mapping[str, int] = {}


def note_losses(
    plan: Plan, sizes: Mapping[str, int], volumes: Mapping[str, int], executions: Mapping[str, int] = NOTHING
) -> Plan:
    """`plan` with the bytes of each change: `sizes` by a container's id, `volumes` by the engine's name.

    `executions` are how many run in a container, which end with it.
    """
    return replace(
        plan,
        changes=tuple(
            replace(
                c,
                lost_bytes=sizes.get(c.leaving),
                volume_bytes=_add_up(c.volumes, volumes),
                notes=(*c.notes, *_tell_executions(executions.get(c.leaving, 0))),
            )
            for c in plan.changes
        ),
    )


def _tell_executions(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    return ("an execution that runs in it ends" if count == 1 else f"{count} executions that run in it end",)


def _add_up(names: tuple[str, ...], sizes: Mapping[str, int]) -> int | None:
    return sum(sizes[name] for name in names) if names and sizes.keys() >= set(names) else None
