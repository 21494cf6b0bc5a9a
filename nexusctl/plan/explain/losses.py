"""How much a plan takes away for good, keeps or passes on: what containers have written, and volumes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nexusctl.model.plan.plan import Plan


def note_losses(plan: Plan, sizes: Mapping[str, int], volumes: Mapping[str, int]) -> Plan:
    """`plan` with the bytes of each change: `sizes` by a container's id, `volumes` by the engine's name."""
    return replace(
        plan,
        changes=tuple(
            replace(c, lost_bytes=sizes.get(c.leaving), volume_bytes=_add_up(c.volumes, volumes)) for c in plan.changes
        ),
    )


def _add_up(names: tuple[str, ...], sizes: Mapping[str, int]) -> int | None:
    return sum(sizes[name] for name in names) if names and sizes.keys() >= set(names) else None
