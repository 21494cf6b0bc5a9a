"""What a copy overwrites is kept here until the copy is whole, and put back where it fails.

For sandboxes that do not run, or have no tools of their own to do it better.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from errno import ENOSPC
from pathlib import Path
from posixpath import dirname, join
from tempfile import NamedTemporaryFile, _TemporaryFileWrapper

from nexusctl.api.everyday.copies.tape import MOST_READS, Tape
from nexusctl.engine.archives import Archives
from nexusctl.errors import Diagnostic, EngineError, InputError, NotFound
from nexusctl.model.observed.live import LiveSandbox

_CHUNK = 256 * 1024

_Found = tuple[str, tarfile.TarInfo, Iterator[bytes]]


@contextmanager
def put_back_on_failure(archives: Archives, live: LiveSandbox, folder: str, names: Collection[str]) -> Iterator[None]:
    """Keep what lies at `names` in `folder`, while somebody writes there. After an error it lies there again.

    What came new is emptied then, for the engine removes nothing. Raises `InputError` before a byte is written where
    there is no room here to keep it; where it cannot be put back the error says in which file it lies.
    """
    with NamedTemporaryFile(prefix="nexusctl-kept-", suffix=".tar", delete=False) as tape:
        path = Path(tape.name)
        try:
            kept = _keep(archives, live, folder, names, tape)
        except BaseException:
            path.unlink()
            raise
        try:
            yield
        except BaseException as error:
            try:
                _put_back(archives, live, folder, [name for name in names if name not in kept], tape)
            except EngineError as failed:
                if kept:
                    hint = f"`nexusctl cp - {live.sandbox}:{folder} < {path}` puts it back when there is space"
                    what = f"what was in {folder} of {live.sandbox} could not be put back: {failed.summary}"
                    raise EngineError(what, hint=hint) from error
            path.unlink()
            raise
        path.unlink()


def _keep(
    archives: Archives, live: LiveSandbox, folder: str, names: Collection[str], tape: _TemporaryFileWrapper[bytes]
) -> set[str]:
    room, kept = shutil.disk_usage(dirname(tape.name)).free // 2, set[str]()
    try:
        for name, member, content in _read_there(archives, live, folder, names):
            room -= member.size
            _require(room)
            member.name = name
            tape.write(member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))
            for data in content:
                tape.write(data)
            tape.write(b"\0" * (-member.size % tarfile.BLOCKSIZE))
            kept.add(name)
        tape.write(b"\0" * (2 * tarfile.BLOCKSIZE))
        tape.flush()
    except OSError:
        what = f"there is no room in {dirname(tape.name)} to keep what this would overwrite in {live.sandbox}"
        hint = f"`nexusctl start {live.sandbox}`: one that runs keeps it itself; or set TMPDIR to a larger disk"
        raise InputError(Diagnostic(what, hint=hint)) from None
    return kept


def _require(room: int) -> None:
    if room < 0:
        raise OSError(ENOSPC, os.strerror(ENOSPC))


def _put_back(
    archives: Archives, live: LiveSandbox, folder: str, new: Collection[str], tape: _TemporaryFileWrapper[bytes]
) -> None:
    came = [name for name, member, _ in _read_there(archives, live, folder, new) if member.isfile() and member.size]

    def lay() -> Iterator[bytes]:
        # These first: the space that they have may be what the others need.
        for name in came:
            yield tarfile.TarInfo(name).tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        tape.seek(0)
        yield from iter(lambda: tape.read(_CHUNK), b"")

    if came or os.fstat(tape.fileno()).st_size > 2 * tarfile.BLOCKSIZE:
        archives.write(live.id, folder, lay())


def _read_there(archives: Archives, live: LiveSandbox, folder: str, names: Collection[str]) -> Iterator[_Found]:
    """Those of `names` in `folder` at which something else than a folder lies, with what it is."""
    below = defaultdict[str, list[str]](list)
    for name in names:
        below[name.split("/")[0]].append(name)
    try:
        for root, own in below.items():
            if len(own) <= MOST_READS:
                yield from _read_each(archives, live, folder, own)
            else:
                yield from _read_all(archives, live, folder, root, own)
    except tarfile.TarError as error:
        raise EngineError(f"the engine gave no archive: {error}") from error


def _read_each(archives: Archives, live: LiveSandbox, folder: str, names: Collection[str]) -> Iterator[_Found]:
    for name in names:
        try:
            with archives.read(live.id, join(folder, name)) as pieces:
                tape = Tape(pieces)
                member = next(iter(tape), None)
                if member is not None and not member.isdir():
                    yield name, member, tape.content(member)
        except NotFound:
            continue


def _read_all(
    archives: Archives, live: LiveSandbox, folder: str, root: str, names: Collection[str]
) -> Iterator[_Found]:
    asked, links = set(names), set[str]()
    try:
        with archives.read(live.id, join(folder, root)) as pieces:
            tape = Tape(pieces)
            for member in tape:
                name = member.name
                if member.issym():
                    links.add(name)
                if name in asked and not member.isdir():
                    asked.remove(name)
                    yield name, member, tape.content(member)
    except NotFound:
        return
    # What lies behind a link came as the link alone.
    yield from _read_each(archives, live, folder, [n for n in asked if any(n.startswith(f"{link}/") for link in links)])
