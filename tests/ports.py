"""Host ports that tests choose before somebody listens on them."""

from __future__ import annotations

import random
import socket

NOBODYS = range(15_000, 32_000)
"""Below what the kernel, and an engine for its containers, give to whoever names none."""


def free_port() -> int:
    """One that nobody on this machine listens on, and that nobody gets without asking for it."""
    while True:
        port = random.choice(NOBODYS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
