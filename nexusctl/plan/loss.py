"""What a plan takes away for good: the writable layers of the containers that go. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nexusctl.model.plan import Plan


def note_losses(plan: Plan, sizes: Mapping[str, int]) -> Plan:
    """`plan` with the bytes that each change loses; `sizes` maps a container's id to those in its writable layer."""
    return replace(plan, changes=tuple(replace(c, lost_bytes=sizes.get(c.leaving)) for c in plan.changes))
