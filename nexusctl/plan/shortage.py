"""A limit on memory that a live sandbox does not fit into. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from nexusctl.plan.decision import Decision


def describe_shortage(decision: Decision) -> Iterator[str]:
    """For the plan: that what is to be changed in place will be refused."""
    used = decision.holder.memory_used if decision.holder else None
    limit = decision.sandbox.resources.memory
    changes = any(difference.field == "resources.memory" for difference in decision.differences)
    if decision.action == "update" and changes and used is not None and limit is not None and used > limit:
        now = f"{used / 2**20:.0f} MiB"
        yield f"it uses {now} of memory now, more than the limit: this fails unless its program is restarted first"
