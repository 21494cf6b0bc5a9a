"""What is sent to a sandbox, compared there with what it came from."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from posixpath import basename, join

from nexusctl.api.everyday.copies.tape import MOST_READS, Tape
from nexusctl.api.everyday.copies.tar import TarStream
from nexusctl.engine.archives import Archives
from nexusctl.errors import EngineError, is_out_of_space
from nexusctl.model.observed.live import LiveSandbox

_LARGE = 32 * 1024 * 1024
"""Bytes from which on it takes longer to read them from the engine than to run commands here and there."""


def send(archives: Archives, live: LiveSandbox, folder: str, archive: Iterable[bytes], *, shown: str = "") -> None:
    """Lay `archive` down in `folder`; a full disk is told of as that of `shown`. Raises `EngineError`."""
    try:
        archives.write(live.id, folder, archive)
    except EngineError as error:
        if not is_out_of_space(error):
            raise
        what = f"{live.sandbox} has no space left in {shown or folder}"
        raise EngineError(what, hint="make space there, or copy it to another place") from error


def compare(archives: Archives, live: LiveSandbox, folder: str, sent: TarStream, *, shown: str = "") -> None:
    """Raise `EngineError` unless all that was sent lies there, `InputError` where it was changed here meanwhile."""
    missing = set(sent.files)
    size = sum(sent.files[name][0] for name in missing)
    if size >= _LARGE and live.state == "running":
        missing -= _find_same_by_checksum(archives, live, folder, sent, size)
    if missing:
        missing -= _find_same_by_reading(archives, live, folder, sent, missing)
    if missing:
        first = min(missing)
        sent.require_unchanged(first)
        raise EngineError(
            f"{join(shown or folder, first)} in {live.sandbox} is not what was sent"
            f"{f', nor are {len(missing) - 1} others' if len(missing) > 1 else ''}",
            hint="something in the sandbox writes there too: copy again, or stop that first",
        )


def _find_same_by_checksum(archives: Archives, live: LiveSandbox, folder: str, sent: TarStream, size: int) -> set[str]:
    """Those of which a tool inside says what the same tool says here. It may lie, and so about its own sandbox."""
    # Few copies are so large.
    from nexusctl.api.everyday.copies.local_checksums import local_checksums  # noqa: PLC0415 - deferred: start-up time

    here = {name: str(sent.find(name).absolute()) for name in sent.files}
    there = {name: join(folder, name) for name in sent.files}
    with local_checksums(list(here.values())) as read_local:
        told = archives.checksums(live.id, list(there.values()), size)
        own = read_local() if told else {}
    return {name for name in sent.files if (one := told.get(there[name])) and one == own.get(here[name])}


def _find_same_by_reading(
    archives: Archives, live: LiveSandbox, folder: str, sent: TarStream, names: AbstractSet[str]
) -> set[str]:
    roots, same = {name.split("/")[0] for name in names}, set[str]()
    # Of many it is quicker to read all that lies beside them.
    for path in [folder] if len(roots) > MOST_READS else [join(folder, root) for root in sorted(roots)]:
        above = f"{basename(path)}/" if path == folder else ""
        with archives.read(live.id, path) as pieces:
            same |= _find_same(Tape(pieces), above, names, sent)
    return same


def _find_same(tape: Tape, above: str, names: AbstractSet[str], sent: TarStream) -> set[str]:
    """Those of the files called `names`, behind `above` on the tape, that hold what was sent."""
    try:
        return {
            name
            for member in tape
            if member.isfile() and (name := member.name.removeprefix(above)) in names
            if sent.is_same(name, member.size, tape.content(member))
        }
    except tarfile.TarError as error:
        raise EngineError(f"the engine gave no archive: {error}") from error
