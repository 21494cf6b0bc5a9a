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
        end = find_end(sandboxes[name], holder.created_at, holder.extended) if name in sandboxes else None
        if end is not None:
            found.append(Lifetime(name=name, ends=end, left=end - now, on_expire=sandboxes[name].on_expire))
    yield from sorted(found, key=lambda lifetime: (lifetime.ends, lifetime.name))
