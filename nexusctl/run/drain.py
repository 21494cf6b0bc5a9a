"""Letting nobody find a container any more that is about to end, while whoever has found it before gets an answer."""

from __future__ import annotations

import time
from collections.abc import Iterable

from nexusctl.engine.base import Engine
from nexusctl.model.plan.plan import Attachment
from nexusctl.model.stack import Port

LINGER = 1.2
"""Seconds; a second is what a kernel waits before it asks again for a connection."""


def see_off(engine: Engine, container_id: str, networks: Iterable[Attachment], ports: Iterable[Port]) -> bool:
    """Take its names in `networks` away; returns whether that was done.

    An engine names a container where it joins, so it has to leave for a moment. It keeps its address, and with it the
    connections of its neighbours; but its host ports are closed and opened anew, which cuts who came through one of
    `ports`. While somebody has, or may have, it stays as it is: then its neighbours find both until it has ended, and
    clients try the next address. Whoever tried to connect while it joined again tries once more after a second.
    """
    left = tuple(networks)
    published = frozenset(port.container for port in ports if port.protocol == "tcp")
    if not left or (published and engine.has_callers(container_id, published)):
        return False
    for attachment in left:
        engine.hide(container_id, attachment)
    time.sleep(LINGER)
    return True
