"""Checksums of files of this machine by the tool that takes them in sandboxes, where it is here too."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryFile

from nexusctl.model.values.cksum import Checksum, checksum_commands, read_checksums


@contextmanager
def local_checksums(paths: Sequence[str]) -> Iterator[Callable[[], Mapping[str, Checksum]]]:
    """Begin to read the files at absolute `paths`; what is given waits for those that can be read, by path."""
    with ExitStack() as stack:
        begun = [stack.enter_context(_begin(command)) for command in checksum_commands(paths)]
        yield lambda: {path: one for read in begun for path, one in read_checksums(read()).items()}


@contextmanager
def _begin(command: Sequence[str]) -> Iterator[Callable[[], str]]:
    """It ends with whoever does not wait for it."""
    with TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "LC_ALL": "C"},
            )
        except OSError:
            yield str
            return

        def read() -> str:
            process.wait()
            said.seek(0)
            return said.read().decode(errors="replace")

        try:
            yield read
        finally:
            process.kill()
            process.wait()
