"""How much longer things take on a machine that has others to do beside them."""

from __future__ import annotations

import os

MOST = 20


def allow(seconds: float) -> float:
    """`seconds`, and one more for every program that waits for a processor, up to `MOST`.

    For what a test waits out itself, and for what has to be over soon. What has only to come some time gets a limit
    that nothing but a hang meets.
    """
    waiting = os.getloadavg()[0] / (os.cpu_count() or 1) - 1
    return seconds + round(min(max(0.0, waiting), MOST))
