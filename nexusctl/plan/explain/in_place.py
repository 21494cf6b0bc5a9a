"""What a change in place does not bring, or brings to an end that nobody expects. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from nexusctl.plan.decide.decide import Decision

_ALIVE = ("running", "paused", "restarting")


def describe_limits(decision: Decision) -> Iterator[str]:
    """For the plan: where the engine refuses a change, or makes only a part of it."""
    holder, changed = decision.holder, {difference.field for difference in decision.differences}
    if decision.action != "update" or holder is None or holder.state not in _ALIVE:
        return
    used, limit = holder.memory_used, decision.sandbox.resources.memory
    if "resources.memory" in changed and used is not None and limit is not None and used > limit:
        now = f"{used / 2**20:.0f} MiB"
        yield f"it uses {now} of memory now, more than the limit: this fails unless its program is restarted first"
    if "stop_grace_period" in changed:
        # No engine changes it in a live container.
        yield "nexusctl goes by the new time to stop at once; `docker stop` by the old one until it is replaced"
