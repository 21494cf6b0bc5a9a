"""The caller's input, copied to a command in a sandbox as long as that one runs."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from nexusctl.engine.docker.client.answer import Answer

CHUNK = 64 * 1024
"""Bytes that are read at once."""


@contextmanager
def pumped(stdin: BinaryIO, answer: Answer, at_end: Callable[[], None] | None = None) -> Iterator[None]:
    """Copy `stdin` to the command while inside, and call `at_end` at its end.

    Not a byte is taken from it after the command has ended.
    """
    done, wake = os.pipe()
    thread = threading.Thread(target=_pump, args=(stdin, answer, done, at_end), name="stdin", daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.close(wake)
        answer.cut()
        if descriptor_of(stdin) is not None:
            thread.join()


def _pump(stdin: BinaryIO, answer: Answer, done: int, at_end: Callable[[], None] | None) -> None:
    # A command that ends or closes its input before all of it was read is no fault of anybody.
    with contextlib.suppress(OSError):
        for data in _read_until(stdin, done):
            answer.send(data)
        answer.send_end()
        if at_end is not None:
            at_end()
    os.close(done)


def _read_until(stdin: BinaryIO, done: int) -> Iterator[bytes]:
    descriptor = descriptor_of(stdin)
    if descriptor is None:
        while data := stdin.read(CHUNK):
            yield data
        return
    while True:
        ready, _, _ = select.select([descriptor, done], [], [])
        if done in ready:
            raise BrokenPipeError
        if not (data := os.read(descriptor, CHUNK)):
            return
        yield data


def descriptor_of(stream: BinaryIO) -> int | None:
    """The number of its file, None for one that is only in memory."""
    try:
        return stream.fileno()
    except (OSError, AttributeError):
        return None
