"""One file into a running sandbox: what was there stays until the new one is whole."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from posixpath import join

from nexusctl.api.everyday.copies.tar import TarStream
from nexusctl.engine.base import Engine
from nexusctl.engine.command import Command
from nexusctl.errors import EngineError
from nexusctl.model.observed.live import LiveSandbox

_PATIENCE = 60.0
"""Seconds for `mv` and `rm` of one file."""


def lay_file_down(
    engine: Engine,
    live: LiveSandbox,
    folder: str,
    name: str,
    write: Callable[[TarStream], None],
    pack: Callable[[str], TarStream],
) -> TarStream:
    """Let `write` lay down what `pack` makes of a name; returns what was sent.

    The engine removes what has the name before it writes the new file, which may then find no space. So beside one that
    is there the new one gets another name, and takes its place when it is whole. Where the sandbox has no `mv`, it is
    written as the engine does it. What comes only in part is removed. Raises as `write` does.
    """
    if engine.archives.stat(live.id, join(folder, name)).kind != "file":
        return _write_or_remove(engine, live, folder, name, write, pack)
    beside = f".{name[:200]}.{os.urandom(4).hex()}"
    sent = _write_or_remove(engine, live, folder, beside, write, pack)
    if _run(engine, live, ("mv", "-f", join(folder, beside), join(folder, name))):
        return sent
    _run(engine, live, ("rm", "-f", join(folder, beside)))
    sent = pack(name)
    write(sent)
    return sent


def _write_or_remove(
    engine: Engine,
    live: LiveSandbox,
    folder: str,
    name: str,
    write: Callable[[TarStream], None],
    pack: Callable[[str], TarStream],
) -> TarStream:
    sent = pack(name)
    try:
        write(sent)
    except BaseException:
        _run(engine, live, ("rm", "-f", join(folder, name)))
        raise
    return sent


def _run(engine: Engine, live: LiveSandbox, argv: Sequence[str]) -> bool:
    """Whether it could be done, as root."""
    nowhere = io.BytesIO()
    command = Command(argv=tuple(argv), user="0", stdout=nowhere, stderr=nowhere, timeout=_PATIENCE)
    try:
        return engine.execute(live.id, command) == 0
    except EngineError:
        return False
