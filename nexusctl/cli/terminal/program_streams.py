"""This process's streams for the bytes that a program in a sandbox prints."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO


@contextmanager
def program_streams(*, raw: bool) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """stdout and stderr for the bytes of a program: a terminal gets what it would obey with `raw` alone."""
    if raw or not (sys.stdout.isatty() or sys.stderr.isatty()):
        yield sys.stdout.buffer, sys.stderr.buffer
        return
    # What goes into a pipe, or has a terminal of its own, needs it not.
    from nexusctl.cli.terminal.program_output import opened  # noqa: PLC0415 - deferred: start-up time

    with opened(sys.stdout) as out, opened(sys.stderr) as err:
        yield out, err
