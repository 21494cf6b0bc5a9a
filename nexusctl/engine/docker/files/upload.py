"""Putting uploads into a container, before it starts or while it runs.

What the engine extracts is not atomic: a cut transfer leaves half a file. Before the start that does no harm,
for such a container is made anew. In a running one
each file is laid beside its target and then renamed over it, where root may do that (see `exchange.py`).
"""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from posixpath import basename, dirname
from typing import Any, BinaryIO, cast

from nexusctl.engine.command import Outcome
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import CHANGE_TIMEOUT, KEPT_OUTPUT, ROOT, TIMED_OUT, Unanswered, ask, run
from nexusctl.engine.docker.files.entries import FileEntry, list_entries
from nexusctl.engine.docker.files.exchange import EXCHANGE, MARK, SWEEP, batch, stage
from nexusctl.engine.docker.files.parent_folders import list_missing_parents
from nexusctl.engine.docker.files.small_file import is_small_file, pipe_file
from nexusctl.errors import Conflict, Diagnostic, EngineError, NotFound, StepError
from nexusctl.model.uploads_and_packages import Upload

_ROOTS = ("", "0", "root")

FILE_BYTES = 256 * 1024 * 1024
"""As much as one upload may hold."""

ACCOUNTS_BYTES = 2 * 1024 * 1024
"""So long /etc/passwd and /etc/group may be."""

HIGHEST_ACCOUNT = 2**32 - 2
_ACCOUNT = re.compile("[0-9]{1,10}")

_MISFIT = re.compile(r'cannot overwrite (?P<what>(?:non-)?directory) "(?P<path>[^"]+)"')

_TOOLS = ("mv", "rm")
_USUAL_FOLDERS = ("/bin", "/usr/bin")

_RENAME = (
    f"""{SWEEP}"""
    """
if [ -L "$2" ]; then rm -f -- "$2"; fi
if [ -d "$2" ]; then echo "$2 is a folder in the sandbox and a file in the upload"; exit 1; fi
mv -f -- "$1" "$2" && sweep "${2%/*}" "${1##*-}"
"""
)

# Each tool starts once for all; what is left then is a folder with something in it, or cannot go.
_DELETE = """
{ rm -f -- "$@"; rmdir -- "$@"; } 2>/dev/null
for path do
  case "$path" in */)
    if [ -L "${path%/}" ]; then rm -f -- "${path%/}"; elif [ -d "$path" ]; then rm -rf -- "$path"; fi || exit 1
    continue
  esac
  if [ -L "$path" ] || { [ -e "$path" ] && [ ! -d "$path" ]; }; then rm -f -- "$path" || exit 1; fi
done
exit 0
"""


def put_uploads(
    wire: Wire,
    container_id: str,
    uploads: Iterable[Upload],
    delete: Iterable[str] = (),
    clear: Iterable[str] = (),
) -> None:
    """Put `uploads` in and remove the paths of `delete`: a folder when it is empty, or named with a slash at its end.

    What lies at the paths of `clear` goes where it is a folder and the upload is none, or the other way round.
    Raises `StepError`, `EngineError`.

    Files without an owner belong to the user that the container runs as; so do missing folders above a target.
    """
    inspected = wire.get(f"/containers/{container_id}/json")
    entries = list(_list_all(wire, container_id, uploads, inspected["Config"]["User"]))
    running = inspected["State"]["Status"] == "running"
    if cleared := frozenset(clear):
        _require_no_mounts(inspected, cleared)
        _put(wire, container_id, [e for e in entries if e.path in cleared], lambda entry: entry.path, overwrite=True)
        entries = [entry for entry in entries if entry.path not in cleared]
    user = inspected["Config"]["User"]
    # In a sandbox with a user of its own, root has no power over that user's folders; the engine has.
    if entries and running and user.partition(":")[0] in _ROOTS and stat_path(wire, container_id, "/bin/sh"):
        _replace(wire, container_id, entries)
    elif entries:
        _put_whole(wire, container_id, entries)
    if paths := sorted(delete, reverse=True):
        if not running:
            raise Conflict(
                f"files can be removed from a running sandbox only: {', '.join(paths)}",
                status=409,
                hint="start it first with `nexusctl apply`, or remove its container to have it made anew",
            )
        _delete(wire, container_id, paths, user)


def _require_no_mounts(inspected: Mapping[str, Any], paths: Iterable[str]) -> None:
    """No volume may lie in a folder that goes."""
    mounts = {str(mount["Destination"]) for mount in inspected.get("Mounts") or ()}
    mounts |= set(inspected["HostConfig"].get("Tmpfs") or ())
    for path in paths:
        if inside := sorted(mount for mount in mounts if f"{mount}/".startswith(f"{path}/")):
            summary = f"{path} cannot become something else, because {inside[0]} is mounted there"
            raise StepError(Diagnostic(summary, hint="upload it to another place"))


def _delete(wire: Wire, container_id: str, paths: Sequence[str], user: str) -> None:
    try:
        _run_over(wire, container_id, _DELETE, paths)
    except StepError:
        if user.partition(":")[0] in _ROOTS:
            raise
        _run_over(wire, container_id, _DELETE, paths, user=user)


def _list_all(wire: Wire, container_id: str, uploads: Iterable[Upload], user: str) -> Iterator[FileEntry]:
    accounts = read_accounts(wire, container_id)
    for upload in uploads:
        yield from list_entries(upload, accounts.resolve(upload.owner or user or ROOT))


def _put_whole(wire: Wire, container_id: str, entries: Sequence[FileEntry]) -> None:
    """Lay all down at their places, with the folders above them."""
    _put(wire, container_id, [*_list_parents(wire, container_id, entries), *entries], lambda entry: entry.path)


def _list_parents(wire: Wire, container_id: str, entries: Sequence[FileEntry]) -> list[FileEntry]:
    return list(list_missing_parents(entries, lambda path: stat_path(wire, container_id, path)))


def _put(
    wire: Wire,
    container_id: str,
    entries: Sequence[FileEntry],
    place: Callable[[FileEntry], str],
    *,
    overwrite: bool = False,
) -> None:
    """With `overwrite` a folder takes the place of what is none, and is replaced by what is none.

    Raises `StepError` where it would have to without.
    """
    # One small file needs no archive, and edits come one at a time.
    from nexusctl.engine.docker.files.tar_stream import write_tar  # noqa: PLC0415 - deferred: start-up time

    query = {"path": "/", "noOverwriteDirNonDir": not overwrite}
    archive = write_tar(entries, place)
    try:
        wire.open(
            "PUT", f"/containers/{container_id}/archive", query, archive, content_type="application/x-tar"
        ).close()
    except EngineError as error:
        if misfit := _MISFIT.search(error.summary):
            raise StepError(_explain_misfit(misfit["path"], folder=misfit["what"] == "directory")) from error
        raise


def _explain_misfit(path: str, *, folder: bool) -> Diagnostic:
    there, wanted = ("a folder", "none") if folder else ("no folder", "one")
    hint = "choose another target; where somebody has put it there, `nexusctl apply --deep` puts that right"
    return Diagnostic(f"{path} is {there} in the sandbox, and {wanted} in the upload", hint=hint)


def _replace(wire: Wire, container_id: str, entries: Sequence[FileEntry]) -> None:
    """Lay all but folders down beside their places, then rename it, where the sandbox can do that."""
    mark = uuid.uuid4().hex[:MARK]
    staging = stage(entries, mark)
    left_over = [f"{folder}/" for folder in staging.folders]
    try:
        if is_small_file(entries):
            path = entries[0].path
            beside = f"{dirname(path).rstrip('/')}/.{basename(path)[:200]}.nexusctl-{mark}"
            left_over = [beside]
            outcome = pipe_file(wire, container_id, entries[0], beside, _RENAME)
            if outcome:
                _require_success(outcome)
                return
            left_over = [f"{folder}/" for folder in staging.folders]
        if not _has_tools(wire, container_id):
            _put_whole(wire, container_id, entries)
            return
        if parents := _list_parents(wire, container_id, entries):
            _put(wire, container_id, parents, lambda entry: entry.path)
        _put(wire, container_id, staging.entries, staging.place)
        _run_over(wire, container_id, EXCHANGE, staging.folders, mark)
    except (StepError, EngineError):
        with contextlib.suppress(StepError, EngineError):
            _run_over(wire, container_id, _DELETE, left_over)
        raise


def _has_tools(wire: Wire, container_id: str) -> bool:
    """Whether it has what renames; a look at the usual places costs a tenth of a command inside."""
    if all(any(stat_path(wire, container_id, f"{folder}/{tool}") for folder in _USUAL_FOLDERS) for tool in _TOOLS):
        return True
    script = " && ".join(f"command -v {tool}" for tool in _TOOLS)
    with contextlib.suppress(Unanswered):
        return ask(wire, container_id, ("/bin/sh", "-c", script)).exit_code == 0
    return False


def _run_over(wire: Wire, container_id: str, script: str, paths: Sequence[str], *first: str, user: str = ROOT) -> None:
    """Run `script` over `paths` in as many calls as their length asks for; before them it gets `first`."""
    for part in batch(paths):
        _run_script(wire, container_id, script, (*first, *part), user)


def _run_script(wire: Wire, container_id: str, script: str, paths: Sequence[str], user: str) -> None:
    command = ("/bin/sh", "-c", script, "upload", *paths)
    outcome = run(wire, container_id, command, user=user, working_dir="/", timeout=CHANGE_TIMEOUT, most=KEPT_OUTPUT)
    _require_success(outcome)


def _require_success(outcome: Outcome) -> None:
    if outcome.exit_code != 0:
        late = f" within {CHANGE_TIMEOUT / 60:g} min" if outcome.exit_code == TIMED_OUT else ""
        lines = tuple(outcome.output.splitlines()[-10:])
        raise StepError(Diagnostic(f"the uploaded files could not be put in place{late}", output=lines))


class Accounts:
    """Names of users and groups as the container's own files know them; each file is read once, when needed.

    `read` gives the content of one, None where there is none.
    """

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._tables: dict[str, list[list[str]]] = {}

    def resolve(self, owner: str) -> tuple[int, int]:
        """The numbers of `user` or `user:group`; without a group it is the user's own. Raises `StepError`."""
        user, _, group = owner.partition(":")
        if group:
            return self._number("/etc/passwd", user, owner), self._number("/etc/group", group, owner)
        if user in ("root", "0"):
            return 0, 0
        row = next((row for row in self._rows("/etc/passwd") if user in (row[0], row[2])), None)
        if row:
            return _read_number(row[2], "/etc/passwd", owner), _read_number(row[3], "/etc/passwd", owner)
        return self._number("/etc/passwd", user, owner), 0

    def _number(self, path: str, name: str, owner: str) -> int:
        if name.isdigit():
            return _read_number(name, path, owner)
        if name == "root":
            return 0
        row = next((row for row in self._rows(path) if row[0] == name), None)
        if row is None:
            raise StepError(
                Diagnostic(
                    f"the sandbox has no {'user' if path == '/etc/passwd' else 'group'} {name} (owner `{owner}`)",
                    hint="name one that its image has, or give numbers such as `1000:1000`",
                )
            )
        return _read_number(row[2], path, owner)

    def _rows(self, path: str) -> list[list[str]]:
        if path not in self._tables:
            text = self._read(path) or b""
            lines = text.decode(errors="replace").splitlines()
            self._tables[path] = [row for line in lines if len(row := line.split(":")) >= 4]
        return self._tables[path]


def _read_number(text: str, path: str, owner: str) -> int:
    if not _ACCOUNT.fullmatch(text) or int(text) > HIGHEST_ACCOUNT:
        summary = f"{path} in the sandbox gives the owner `{owner}` the number {text[:40]!r}"
        raise StepError(Diagnostic(summary, hint="mend that file there, or give numbers such as `1000:1000`"))
    return int(text)


def read_accounts(wire: Wire, container_id: str) -> Accounts:
    """Those of a container, running or not."""
    return Accounts(lambda path: read_file(wire, container_id, path, most=ACCOUNTS_BYTES))


def read_file(wire: Wire, container_id: str, path: str, *, most: int = FILE_BYTES) -> bytes | None:
    """The content of a file of a container, running or not; None where there is none.

    Raises `StepError` where it holds more than `most` bytes, of which none is read then, and `EngineError`.
    """
    # See `_put`.
    import tarfile  # noqa: PLC0415 - deferred: start-up time

    query: Mapping[str, Any] = {"path": path}
    try:
        with (
            wire.open("GET", f"/containers/{container_id}/archive", query) as answer,
            tarfile.open(fileobj=cast(BinaryIO, answer), mode="r|") as tar,
        ):
            member = tar.next()
            if member is None or not member.isfile():
                return None
            if member.size > most:
                raise StepError(Diagnostic(f"{path} in the sandbox holds more than {most // 1024**2} MiB"))
            stream = tar.extractfile(member)
            return stream.read() if stream else None
    except NotFound:
        return None
    except (tarfile.TarError, OSError) as error:
        raise EngineError(f"{path} of container {container_id[:12]} cannot be read: {error}") from error


def stat_path(wire: Wire, container_id: str, path: str) -> bool:
    """Whether there is something at `path` in a container, running or not. Raises `EngineError`."""
    try:
        wire.open("HEAD", f"/containers/{container_id}/archive", {"path": path}).close()
    except NotFound:
        return False
    return True
