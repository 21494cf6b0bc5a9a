"""Files copied into sandboxes and out of them, each compared with what it came from."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from posixpath import basename, dirname, isabs, join, normpath
from typing import BinaryIO

from nexusctl.api.everyday.copies.tape import Tape
from nexusctl.api.everyday.copies.tar import CHUNK, TarStream
from nexusctl.api.everyday.copies.untar import lay_down
from nexusctl.engine.archives import Archives
from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, EngineError, InputError, NotFound
from nexusctl.model.observed.live import LiveSandbox

_TAR = "`tar c FOLDER | nexusctl cp - NAME:PATH` sends one"
_NO_TAR = ("unexpected EOF", "invalid tar header")
"""Words of the engine for it."""


def copy_in(engine: Engine, live: LiveSandbox, source: str, path: str) -> None:
    """Copy the file or folder `source` to `path` in a sandbox: into it where that is a folder, else as it.

    A `source` that ends with `/.` stands for what lies in that folder. Raises `InputError` before a byte is written
    where that cannot be, `EngineError`.
    """
    archives, name = engine.archives, live.sandbox
    local = Path(source)
    if not local.exists() and not local.is_symlink():
        raise InputError(Diagnostic(f"there is no {source} here"))
    inner = source.endswith("/.") or source == "."
    folder, called = _find_place(archives, live, path, "" if inner else local.absolute().name, is_folder=local.is_dir())
    # Behind a slash stands what a link leads to.
    through = local.resolve() if source.endswith("/") or inner else local
    owner = archives.owner(live.id)
    # Behind a link is what it leads to, or it is the link alone.
    if local.is_dir() and (through is not local or not local.is_symlink()):
        # Copies are of a file or a folder, and each way is its own.
        from nexusctl.api.everyday.copies.lay_folder_down import lay_folder_down  # noqa: PLC0415 - deferred: start-up time

        archive = TarStream(through, called, owner)
        lay_folder_down(engine, live, folder, called, archive)
    else:
        from nexusctl.api.everyday.copies.lay_file_down import lay_file_down  # noqa: PLC0415 - deferred: start-up time

        archive = lay_file_down(engine, live, folder, called, lambda as_name: TarStream(through, as_name, owner))
    if not archive.files and not archive.links and not local.is_dir():
        raise EngineError(f"nothing came to {name}:{path}")


def copy_tar_in(engine: Engine, live: LiveSandbox, stream: BinaryIO, path: str) -> None:
    """Lay an archive down in the folder `path` of a sandbox. Raises as `copy_in` does."""
    found = engine.archives.stat(live.id, _absolute(live, path))
    if found.kind != "folder":
        raise InputError(Diagnostic(f"{live.sandbox} has no folder {path}", hint="a tar stream goes into a folder"))
    _require_writable(engine.archives, live, found.real, path)
    # Few copies are of a stream.
    from nexusctl.api.everyday.copies.lay_folder_down import lay_archive_down  # noqa: PLC0415 - deferred: start-up time

    begin = stream.read(CHUNK)
    if not begin:
        raise InputError(Diagnostic("nothing came on stdin", hint=_TAR))
    try:
        lay_archive_down(engine, live, found.real, chain((begin,), iter(lambda: stream.read(CHUNK), b"")))
    except EngineError as error:
        if not any(word in error.summary for word in _NO_TAR):
            raise
        raise InputError(Diagnostic("what came on stdin is no whole tar archive", hint=_TAR)) from error


def copy_out(engine: Engine, live: LiveSandbox, path: str, target: Path) -> list[str]:
    """Copy what lies at `path` in a sandbox to `target` here; returns what was left out, as it is no file.

    Into `target` where that is a folder, else as it. Raises `InputError`, `EngineError`.
    """
    asked = _absolute(live, path)
    inner = path.endswith("/.")
    with _opened(engine, live, asked if not path.endswith("/") else f"{asked}/") as came:
        first, pieces = _first_name(came)
        place = target if inner else target / (basename(asked) or first) if target.is_dir() else target
        place = place.resolve() if place.is_dir() else place
        if not place.parent.is_dir():
            raise InputError(Diagnostic(f"there is no folder {place.parent} here", hint="make it first"))
        return lay_down(pieces, place, first)


def copy_tar_out(engine: Engine, live: LiveSandbox, path: str, stream: BinaryIO) -> None:
    """Write the archive of what lies at `path`. Raises as `copy_out` does."""
    with _opened(engine, live, _absolute(live, path)) as pieces:
        for data in pieces:
            stream.write(data)
    stream.flush()


class _opened:  # noqa: N801 - used as a function is
    def __init__(self, engine: Engine, live: LiveSandbox, path: str) -> None:
        self._read, self._name, self._path = engine.archives.read(live.id, path), live.sandbox, path

    def __enter__(self) -> Iterator[bytes]:
        try:
            return self._read.__enter__()
        except NotFound:
            raise InputError(Diagnostic(f"{self._name} has no {self._path}", sandbox=self._name)) from None

    def __exit__(self, *given: object) -> None:
        self._read.__exit__(*given)  # type: ignore[arg-type]


def _first_name(pieces: Iterator[bytes]) -> tuple[str, Iterator[bytes]]:
    """The first name in an archive, and the archive from its beginning."""
    kept: list[bytes] = []

    def keep() -> Iterator[bytes]:
        for data in pieces:
            kept.append(data)
            yield data

    try:
        member = next(iter(Tape(keep())), None)
    except tarfile.TarError as error:
        raise EngineError(f"the engine gave no archive: {error}") from error
    if member is None:
        raise EngineError("the engine gave an empty archive")

    def again() -> Iterator[bytes]:
        yield from kept
        yield from pieces

    return member.name.split("/")[0], again()


def _absolute(live: LiveSandbox, path: str) -> str:
    """From the working folder of the sandbox on."""
    folder = (live.record.working_dir if live.record else None) or "/"
    whole = path if isabs(path) else join(folder, path)
    return normpath(whole)


def _find_place(archives: Archives, live: LiveSandbox, path: str, name: str, *, is_folder: bool) -> tuple[str, str]:
    """The folder to lay something down in, and what it is called there; an empty name is for what lies in it."""
    asked = _absolute(live, path)
    found = archives.stat(live.id, asked)
    if found.kind == "folder":
        _require_writable(archives, live, join(found.real, name) if name else found.real, path)
        return found.real, name
    absent = found.kind == "absent"
    above = archives.stat(live.id, dirname(found.real))
    if above.kind != "folder":
        hint = f"`nexusctl exec {live.sandbox} mkdir -p {dirname(found.real)}` makes it"
        raise InputError(
            Diagnostic(f"{live.sandbox} has no folder {dirname(found.real)}", hint=hint, sandbox=live.sandbox)
        )
    if absent and path.endswith("/") and not is_folder:
        hint = f"`nexusctl exec {live.sandbox} mkdir {asked}` makes it"
        raise InputError(Diagnostic(f"{live.sandbox} has no folder {asked}", hint=hint, sandbox=live.sandbox))
    if not absent and is_folder:
        raise InputError(Diagnostic(f"{path} is no folder in {live.sandbox}, and a folder cannot take its place"))
    if not name and not is_folder:
        raise InputError(Diagnostic(f"{live.sandbox} has no folder {asked}", sandbox=live.sandbox))
    real = join(above.real, basename(found.real))
    _require_writable(archives, live, real, path)
    return dirname(real), basename(real)


def _require_writable(archives: Archives, live: LiveSandbox, real: str, path: str) -> None:
    if why := archives.find_obstacle(live.id, real):
        raise InputError(
            Diagnostic(
                f"nothing can be copied to {live.sandbox}:{path}, because {why}",
                hint="copy it to another place, or let a command in the sandbox write it: `nexusctl exec`",
                sandbox=live.sandbox,
            )
        )
