"""The other end of a terminal that a test has given to a command."""

from __future__ import annotations

import os


def read_to_end(master: int) -> bytes:
    """What comes until whoever has the terminal is gone; Linux says that by an error."""
    seen = b""
    while True:
        try:
            data = os.read(master, 4096)
        except OSError:
            return seen
        if not data:
            return seen
        seen += data
