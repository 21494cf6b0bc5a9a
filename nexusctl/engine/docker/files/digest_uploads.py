"""The uploaded files of one sandbox as they are now, by a command inside of it or from its archive."""

from __future__ import annotations

import hashlib
import re
import stat
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import dirname
from threading import Timer
from typing import BinaryIO, Literal, cast

from nexusctl.engine.docker.client.answer import Answer
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import Unanswered, ask
from nexusctl.errors import Conflict, EngineError, NotFound
from nexusctl.model.observed.live import LiveFile
from nexusctl.model.uploads_and_packages import Upload, UploadFile

PATHS_BYTES = 512 * 1024
"""How much of paths one command gets; the kernel takes 2 MiB by default, and the survey starts others with the same."""

ARCHIVE_TIMEOUT = 60.0
"""Seconds for reading the archive of a sandbox that does not answer. What is not read by then is reported as unread."""

BESIDE_BYTES = 64 * 1024 * 1024
"""How much of an archive may be other things than what was uploaded, before each upload is asked for by itself."""

_CHUNK = 256 * 1024

# Only regular files of a size that an upload may have are read: a pipe or a device in its place would never end.
_SURVEY = """
for tool in find stat sha256sum readlink cat; do command -v $tool >/dev/null || exit 69; done
stat -c '%f %u %g %n' "$@"
printf '\\0'
find "$@" -maxdepth 0 -type f -size -262145k -exec sha256sum {} +
printf '\\0'
for path do if [ -L "$path" ]; then readlink "$path" || echo; echo "$path"; fi; done
printf '\\0'
find -L /etc/passwd -maxdepth 0 -type f -size -2049k -exec cat {} +
printf '\\0'
find -L /etc/group -maxdepth 0 -type f -size -2049k -exec cat {} +
printf '\\0'
find "$@" -mindepth 1 -maxdepth 1 -type d -print0
printf '\\0'
find "$@" -mindepth 1 -maxdepth 1 ! -type d -print0
exit 0
"""

_STAT = re.compile(r"(?P<mode>[0-9a-f]{1,8}) (?P<uid>[0-9]{1,10}) (?P<gid>[0-9]{1,10}) (?P<path>/.*)")

_KINDS: Mapping[int, Literal["file", "folder", "link", "other"]] = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
}


class Exhausted(Exception):
    """What may be read of an archive was read, and there is more."""


@dataclass(slots=True)
class Budget:
    """How many bytes of an archive may still be read, and until when by the monotonic clock."""

    left: int
    deadline: float

    def spend(self, size: int) -> None:
        """Take `size` bytes off before they are read. Raises `Exhausted` where there are not as many, or no time."""
        self.left -= size
        if self.left < 0 or time.monotonic() >= self.deadline:
            raise Exhausted

    def remaining(self) -> float:
        """In seconds."""
        return max(0.0, self.deadline - time.monotonic())


@dataclass(slots=True)
class Survey:
    """`files` by path, as recorded; `beside` maps what else lies directly in recorded folders to its kind.

    `accounts` holds /etc/passwd and /etc/group where they were read on the way.
    """

    files: dict[str, LiveFile] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, bytes] = field(default_factory=dict)


def recorded_paths(uploads: Sequence[Upload]) -> dict[str, UploadFile]:
    """Every entry of `uploads` by its absolute path."""
    return {f"{u.target.rstrip('/')}/{f.path}" if f.path else u.target: f for u in uploads for f in u.files}


def survey_running(wire: Wire, container_id: str, uploads: Sequence[Upload]) -> Survey | None:
    """By commands inside; None where they cannot tell: no such tools, not running any more, or something is unread.

    In a sandbox with a user of its own even root may not read what belongs to others, and cannot tell that from absent.
    """
    paths = recorded_paths(uploads)
    # Such names the tools write in ways of their own.
    if any("\n" in path or "\\" in path for path in paths):
        return None
    found = Survey()
    for batch in _batches(list(paths)):
        command = ("/bin/sh", "-c", f"{{ {_SURVEY}\n}} 2>/dev/null", "survey", *batch)
        try:
            outcome = ask(wire, container_id, command)
        except (Conflict, Unanswered):
            return None
        if outcome.exit_code != 0 or not _read_answer(outcome.output, paths, found):
            return None
    return found if all(_is_read(found.files.get(path)) for path in paths) else None


def _is_read(file: LiveFile | None) -> bool:
    return file is not None and bool(file.kind != "file" or file.digest)


def survey_archive(wire: Wire, container_id: str, uploads: Sequence[Upload]) -> Survey:
    """From the container's archive, which can be read whatever its state. Raises `EngineError`.

    Where other things than what was uploaded fill it, each upload is asked for by itself.
    """
    paths = recorded_paths(uploads)
    found = Survey()
    deadline = time.monotonic() + ARCHIVE_TIMEOUT
    for upload in uploads:
        own = {path: paths[path] for path in recorded_paths([upload])}
        budget = Budget(left=BESIDE_BYTES + sum(file.size for file in own.values()), deadline=deadline)
        try:
            _read_path(wire, container_id, upload.target, own, found, budget)
        except Exhausted:
            for path in own.keys() - found.files.keys():
                _read_single(wire, container_id, path, own, found, deadline)
    return found


def _read_single(
    wire: Wire, container_id: str, path: str, own: Mapping[str, UploadFile], found: Survey, deadline: float
) -> None:
    try:
        budget = Budget(left=own[path].size + tarfile.BLOCKSIZE, deadline=deadline)
        _read_path(wire, container_id, path, own, found, budget, alone=True)
    except Exhausted:
        found.files.setdefault(path, LiveFile(kind="unread", mode=0, owner=""))


def _read_path(
    wire: Wire,
    container_id: str,
    path: str,
    own: Mapping[str, UploadFile],
    found: Survey,
    budget: Budget,
    *,
    alone: bool = False,
) -> None:
    """What lies at `path` and below, or `alone` what lies there itself. Raises `Exhausted`, `EngineError`."""
    budget.spend(0)
    try:
        with wire.open("GET", f"/containers/{container_id}/archive", {"path": path}) as answer:
            timer = Timer(budget.remaining(), answer.cut)
            timer.daemon = True
            timer.start()
            try:
                _read_archive(answer, dirname(path), own, found, budget, alone=alone)
            except (EngineError, tarfile.TarError, OSError) as error:
                budget.spend(0)
                raise EngineError(f"the archive of {path} in container {container_id[:12]} breaks off") from error
            finally:
                timer.cancel()
    except NotFound as error:
        if "No such container" in str(error):
            raise


def _batches(paths: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for path in paths:
        # With the pointer to it.
        cost = len(path.encode()) + 9
        if batch and size + cost > PATHS_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += cost
    if batch:
        yield batch


def _read_answer(output: str, paths: Mapping[str, UploadFile], found: Survey) -> bool:
    """Work one answer into `found`; False where it is not of the expected shape."""
    parts = output.split("\0", 5)
    if len(parts) != 6:
        return False
    stats, sums, links, passwd, group, children = parts
    digests = {path: digest for digest, _, path in (line.partition("  ") for line in sums.splitlines())}
    rows = links.split("\n")
    targets = dict(zip(rows[1::2], rows[::2], strict=False))
    for line in stats.splitlines():
        seen = _STAT.fullmatch(line)
        if seen is None:
            return False
        if (path := seen["path"]) in paths:
            mode, owner = int(seen["mode"], 16), f"{seen['uid']}:{seen['gid']}"
            found.files[path] = _live_file(mode, owner, digests.get(path, ""), targets.get(path, ""))
    found.accounts = {"/etc/passwd": passwd.encode(), "/etc/group": group.encode()}
    # An empty name parts the folders from the rest.
    folders, _, others = f"\0{children}".partition("\0\0")
    for kind, names in (("folder", folders), ("file", others)):
        found.beside.update({name: kind for name in names.split("\0") if name and name not in paths})
    return True


def _live_file(mode: int, owner: str, digest: str, link: str) -> LiveFile:
    kind: Literal["file", "folder", "link", "other"] = _KINDS.get(stat.S_IFMT(mode), "other")
    return LiveFile(kind=kind, mode=stat.S_IMODE(mode), owner=owner, digest=digest, link=link)


def _read_archive(
    answer: Answer, folder: str, paths: Mapping[str, UploadFile], found: Survey, budget: Budget, *, alone: bool
) -> None:
    with tarfile.open(fileobj=cast(BinaryIO, answer), mode="r|") as tar:
        for member in tar:
            # What the library keeps of each for going back, nobody asks for.
            tar.members = []  # type: ignore[attr-defined]
            path = f"{folder.rstrip('/')}/{member.name.rstrip('/')}"
            recorded = paths.get(path)
            if recorded and member.size == recorded.size:
                budget.spend(member.size + tarfile.BLOCKSIZE)
                found.files[path] = _read_member(tar, member)
            elif recorded:
                found.files[path] = _describe_member(member)
            elif (parent := paths.get(dirname(path))) and parent.kind == "folder":
                found.beside[path] = "folder" if member.isdir() else "file"
            if alone:
                return
            if recorded is None or member.size != recorded.size:
                budget.spend(member.size + tarfile.BLOCKSIZE)


def _read_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> LiveFile:
    stream = tar.extractfile(member) if member.isfile() else None
    return _describe_member(member, _hash(stream) if stream else "")


def _describe_member(member: tarfile.TarInfo, digest: str = "") -> LiveFile:
    kind: Literal["file", "folder", "link", "other"] = "other"
    if member.issym():
        kind = "link"
    elif member.isdir():
        kind = "folder"
    elif member.isfile():
        kind = "file"
    owner = f"{member.uid}:{member.gid}"
    return LiveFile(kind=kind, mode=member.mode & 0o7777, owner=owner, digest=digest, link=member.linkname)


def _hash(stream: object) -> str:
    digest = hashlib.sha256()
    while data := cast(BinaryIO, stream).read(_CHUNK):
        digest.update(data)
    return digest.hexdigest()
