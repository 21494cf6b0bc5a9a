"""What is left of each lifetime. Pure: the time is that of the look at what is live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nexusctl.model.lifetime import find_end
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.plan.plan import Lifetime
from nexusctl.model.stack import Sandbox


def find_lifetimes(
    sandboxes: Mapping[str, Sandbox], holders: Mapping[str, LiveSandbox], now: int
) -> Iterator[Lifetime]:
    """Those of sandboxes that are there by `holders`, the first to end first; `now` is in seconds since 1970."""
    found = []
    for name, holder in holders.items():
        if (sandbox := sandboxes.get(name)) is None:
            continue
        end = find_end(sandbox, holder.created_at, holder.extended)
        # What does not run does nothing for another reason.
        idle = sandbox.idle_timeout if holder.state == "running" else None
        if end is not None or idle is not None:
            left = None if end is None else end - now
            found.append(
                Lifetime(name=name, ends=end, left=left, on_expire=sandbox.on_expire, idle_timeout=idle),
            )
    yield from sorted(found, key=lambda one: (one.ends is None, one.ends or 0, one.name))
