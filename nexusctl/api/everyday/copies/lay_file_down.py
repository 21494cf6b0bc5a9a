"""One file or link into a sandbox: what was there stays until the new one is whole."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from posixpath import join

from nexusctl.api.everyday.copies.put_back import put_back_on_failure
from nexusctl.api.everyday.copies.sending import compare, send
from nexusctl.api.everyday.copies.tar import TarStream
from nexusctl.engine.base import Engine
from nexusctl.engine.command import Command
from nexusctl.errors import EngineError
from nexusctl.model.observed.live import LiveSandbox

_PATIENCE = 60.0
"""Seconds for `mv` and `rm` of one file."""


def lay_file_down(
    engine: Engine, live: LiveSandbox, folder: str, name: str, pack: Callable[[str], TarStream]
) -> TarStream:
    """Lay down in `folder` what `pack` makes of a name; returns what was sent.

    The engine removes what has the name before it writes the new file, which may then find no space. So beside one
    that is there the new one gets another name, and takes its place when it is whole. Where the sandbox does not run,
    has no `mv`, or may not write there, the old one is kept here meanwhile. What comes only in part is removed.
    Raises `InputError`, `EngineError`.
    """
    if live.state == "running" and _run(engine, live, ("test", "-w", folder)):
        if engine.archives.stat(live.id, join(folder, name)).kind == "absent":
            return _write_or_remove(engine, live, folder, name, pack)
        beside = f".{name[:200]}.{os.urandom(4).hex()}"
        sent = _write_or_remove(engine, live, folder, beside, pack)
        if _run(engine, live, ("mv", "-f", join(folder, beside), join(folder, name))):
            return sent
        _run(engine, live, ("rm", "-f", join(folder, beside)))
    archive = pack(name)
    with put_back_on_failure(engine.archives, live, folder, [name]):
        send(engine.archives, live, folder, archive)
    compare(engine.archives, live, folder, archive)
    return archive


def _write_or_remove(
    engine: Engine, live: LiveSandbox, folder: str, name: str, pack: Callable[[str], TarStream]
) -> TarStream:
    archive = pack(name)
    try:
        send(engine.archives, live, folder, archive)
        compare(engine.archives, live, folder, archive)
    except BaseException:
        _run(engine, live, ("rm", "-f", join(folder, name)))
        raise
    return archive


def _run(engine: Engine, live: LiveSandbox, argv: Sequence[str]) -> bool:
    """Whether it could be done, as the sandbox's own user, as root may do little where that is not root."""
    nowhere = io.BytesIO()
    command = Command(argv=tuple(argv), stdout=nowhere, stderr=nowhere, timeout=_PATIENCE)
    try:
        return engine.execute(live.id, command) == 0
    except EngineError:
        return False
