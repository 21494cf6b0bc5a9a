"""Folders and archives into a sandbox: what was there stays until all that comes is there."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from posixpath import join
from tempfile import TemporaryFile

from nexusctl.api.everyday.copies.put_back import put_back_on_failure
from nexusctl.api.everyday.copies.sending import compare, send
from nexusctl.api.everyday.copies.staging import remove, staged
from nexusctl.api.everyday.copies.tape import Tape
from nexusctl.api.everyday.copies.tar import CHUNK, TarStream
from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.observed.live import LiveSandbox


def lay_folder_down(engine: Engine, live: LiveSandbox, folder: str, name: str, archive: TarStream) -> None:
    """Lay down in `folder` what is in the archive: something called `name`, or several where that is empty.

    Raises `InputError`, `EngineError`.
    """
    archives = engine.archives
    if live.state == "running" and name and archives.stat(live.id, join(folder, name)).kind == "absent":
        try:
            send(archives, live, folder, archive)
        except BaseException:
            remove(engine, live, join(folder, name))
            raise
        compare(archives, live, folder, archive)
        return
    with staged(engine, live, folder, looks=True) as beside:
        if beside:
            send(archives, live, beside, archive, shown=folder)
            compare(archives, live, beside, archive, shown=folder)
            return
    with put_back_on_failure(archives, live, folder, list(archive.names())):
        send(archives, live, folder, archive)
    compare(archives, live, folder, archive)


def lay_archive_down(engine: Engine, live: LiveSandbox, folder: str, pieces: Iterator[bytes]) -> None:
    """Lay down in `folder` what is in an archive of somebody else's. Raises as `lay_folder_down` does."""
    with staged(engine, live, folder, looks=False) as beside:
        if beside:
            send(engine.archives, live, beside, pieces, shown=folder)
            return
    with TemporaryFile(prefix="nexusctl-") as tape:
        try:
            for data in pieces:
                tape.write(data)
            tape.seek(0)
        except OSError as error:
            hint = f"`nexusctl start {live.sandbox}`, or set TMPDIR to a larger disk"
            raise InputError(Diagnostic(f"cannot keep what came on stdin: {error.strerror}", hint=hint)) from None
        names = _list_names(iter(lambda: tape.read(CHUNK), b""))
        tape.seek(0)
        with put_back_on_failure(engine.archives, live, folder, names):
            send(engine.archives, live, folder, iter(lambda: tape.read(CHUNK), b""))


def _list_names(pieces: Iterator[bytes]) -> list[str]:
    names = []
    try:
        for member in Tape(pieces):
            if not member.isdir():
                names.append(member.name.removeprefix("./").strip("/"))
    except (tarfile.TarError, EOFError):
        # The engine says what is wrong with it.
        return names
    return names
