"""One process at a time, of all the tests that run on this machine."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(work: str) -> Iterator[None]:
    """Nobody else does `work` while inside; a process that dies lets go of it."""
    with (Path(tempfile.gettempdir()) / f"nexusctl-test-{work}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
