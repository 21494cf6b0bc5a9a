"""Networks that tests make beside nexusctl, in ranges of their own.

An engine has thirty ranges to give by itself, and none is left where others have made as many networks.
"""

from __future__ import annotations

import random
from typing import Any

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects.subnets import read_address_space
from nexusctl.errors import EngineError
from nexusctl.plan.decide.subnets import overlaps

ATTEMPTS = 20


def choose_range(wire: Wire) -> str:
    """An IPv4 range with room for a dozen containers that nobody uses now; any of half a million."""
    used = read_address_space(wire, wire.get("/networks")).used
    while True:
        number = random.randrange(1 << 19)
        chosen = f"10.{128 + (number >> 12)}.{(number >> 4) & 255}.{(number & 15) << 4}/28"
        if not any(overlaps(chosen, other) for other in used):
            return chosen


def make_network(wire: Wire, name: str, **more: Any) -> str:
    """Make the network `name` as somebody else would, with `more` in the call; returns its id."""
    for attempt in range(ATTEMPTS):
        body = {"Name": name, "IPAM": {"Config": [{"Subnet": choose_range(wire)}]}, **more}
        try:
            return str(wire.post("/networks/create", body)["Id"])
        except EngineError as error:
            # Somebody else may have taken it at that moment.
            if "overlap" not in str(error) or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError(name)
