"""Where new networks may get their addresses."""

from __future__ import annotations

from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressSpace:
    """Where new networks get their IPv4 ranges: out of `pools`, in their order, beside all that is `used`."""

    pools: tuple[str, ...]
    used: tuple[str, ...] = ()
