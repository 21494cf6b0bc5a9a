"""Templates from git: the files of one commit, in a cache, proved against the commit's own id at every use.

Nothing of a repository is ever run: no hooks, no filters, no submodules. Its objects are read as they are, written as
plain files, and never seen by git again. The network is only asked for a commit that is not in the cache.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nexusctl.model.trust import Trust

FILES_LIMIT = 2_000
SIZE_LIMIT = 32 * 1024 * 1024
TIMEOUT = 120
"""Seconds for a fetch."""

_FILES = {b"100644": 0o644, b"100664": 0o644, b"100755": 0o755}
_LINK, _FOLDER = b"120000", b"40000"

# Set where nexusctl runs inside of git, such as in a hook; they speak of another repository.
_MISLEADING = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_WORK_TREE",
}

# What may carry a repository; `ext::` would run a command.
_PROTOCOLS = "file:git:http:https:ssh"


class Unfetched(Exception):
    """A commit that cannot be had, or is not what it says: what is wrong, and what to do."""

    def __init__(self, summary: str, hint: str) -> None:
        super().__init__(summary)
        self.summary = summary
        self.hint = hint


class TreeEntry(NamedTuple):
    """One file or link of a commit."""

    mode: bytes
    path: str
    data: bytes


def check_out(url: str, commit: str, trust: Trust) -> Path:
    """The folder with the files of `commit`, a full id in hex; fetched from `url` where the cache has not got it.

    Raises `Unfetched`, also where it would have to be fetched and `trust` is offline.
    """
    place = _cache() / commit
    if not place.exists():
        if trust.offline:
            hint = f"it would come from `{url}`: call it once without `--offline`"
            raise Unfetched(f"commit {commit[:12]} is not in the cache, and nothing is fetched", hint)
        trust.tell(f"Fetching commit {commit[:12]} of {url} for a template.")
        _fill(place, url, commit)
    if not is_proved(place, commit):
        hint = f"somebody changed the files in the cache; remove {place}, and they are fetched again"
        raise Unfetched(f"the cached files of commit {commit[:12]} are not those of the commit", hint)
    return place / "files"


def is_proved(place: Path, commit: str) -> bool:
    """Whether the files below `place` are exactly those that the id `commit` stands for."""
    try:
        said = (place / "commit").read_bytes()
        tree = said.split(b"\n", 1)[0].removeprefix(b"tree ").decode("ascii")
        kind = "sha1" if len(commit) == 40 else "sha256"
        return _digest(kind, b"commit", said) == commit and _tree_id(place / "files", kind) == tree
    except (OSError, ValueError):
        return False


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME", "")
    # As the specification says, a relative path counts as none.
    root = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return root / "nexusctl" / "templates"


def _digest(kind: str, what: bytes, data: bytes) -> str:
    return hashlib.new(kind, what + b" %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _tree_id(folder: Path, kind: str) -> str:
    """The id that git gives to a folder with these files."""
    entries: list[tuple[bytes, bytes]] = []
    for entry in os.scandir(folder):
        name = os.fsencode(entry.name)
        if entry.is_symlink():
            mode, made = _LINK, _digest(kind, b"blob", os.fsencode(os.readlink(entry.path)))  # noqa: PTH115
        elif entry.is_dir():
            mode, made = _FOLDER, _tree_id(Path(entry.path), kind)
        else:
            mode = b"100755" if entry.stat().st_mode & 0o100 else b"100644"
            made = _digest(kind, b"blob", Path(entry.path).read_bytes())
        # Git sorts a folder as if its name ended with a slash.
        key = name + b"/" if mode == _FOLDER else name
        entries.append((key, mode + b" " + name + b"\0" + bytes.fromhex(made)))
    return _digest(kind, b"tree", b"".join(data for _, data in sorted(entries)))


def _fill(place: Path, url: str, commit: str) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".fetch-") as folder:
            work, made = Path(folder), Path(folder) / "made"
            _fetch(work, url, commit)
            _write(made, work, commit)
            _settle(made, place)
    except OSError as error:
        hint = "check XDG_CACHE_HOME and its permissions"
        raise Unfetched(f"the cache {place.parent} cannot be written: {error.strerror}", hint) from None


def _settle(made: Path, place: Path) -> None:
    try:
        made.rename(place)
    except OSError:
        # Another nexusctl was quicker, with the same files.
        if not place.exists():
            raise


def _fetch(work: Path, url: str, commit: str) -> None:
    kind = "sha1" if len(commit) == 40 else "sha256"
    _git(work, "init", "--quiet", "--bare", "--template=", f"--object-format={kind}", ".")
    quiet = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head")
    try:
        _git(work, *quiet, "--depth=1", "--", url, commit)
    except Unfetched as error:
        # Many servers hand out only what a branch or tag names; then all of those are fetched.
        try:
            _git(work, *quiet, "--", url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        except Unfetched:
            raise error from None
    try:
        _git(work, "cat-file", "-e", f"{commit}^{{commit}}")
    except Unfetched:
        hint = "check the id; it has to be on a branch or tag of that repository"
        raise Unfetched(f"`{url}` has no commit {commit}", hint) from None


def _write(made: Path, work: Path, commit: str) -> None:
    files = made / "files"
    files.mkdir(parents=True)
    (made / "commit").write_bytes(_git(work, "cat-file", "commit", commit))
    # Links come last, so that no file can be written through one.
    for entry in sorted(_read_entries(work, commit), key=lambda entry: entry.mode == _LINK):
        path = files / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.mode == _LINK:
            path.symlink_to(os.fsdecode(entry.data))
        else:
            path.write_bytes(entry.data)
            path.chmod(_FILES[entry.mode])


def _read_entries(work: Path, commit: str) -> Iterator[TreeEntry]:
    listed = [line for line in _git(work, "ls-tree", "-r", "-z", "--long", commit).split(b"\0") if line]
    if len(listed) > FILES_LIMIT:
        raise Unfetched(
            f"the commit has more than {FILES_LIMIT:,} files", "keep templates in a repository of their own"
        )
    wanted: list[tuple[bytes, str, str]] = []
    total = 0
    for line in listed:
        about, _, path = line.partition(b"\t")
        mode, kind, name, size = about.split()
        if kind != b"blob" or (mode not in _FILES and mode != _LINK):
            raise Unfetched(
                f"the commit has a submodule, `{os.fsdecode(path)}`", "name a repository without submodules"
            )
        if {"..", ".git"} & set(os.fsdecode(path).split("/")):
            raise Unfetched(f"the commit has a file `{os.fsdecode(path)}`", "name another commit")
        total += int(size)
        wanted.append((mode, os.fsdecode(path), name.decode("ascii")))
    if total > SIZE_LIMIT:
        hint = "keep templates in a repository of their own"
        raise Unfetched(f"the commit holds more than {SIZE_LIMIT // 1024 // 1024} MiB", hint)
    blobs = _read_blobs(work, [name for _, _, name in wanted])
    yield from (TreeEntry(mode, path, data) for (mode, path, _), data in zip(wanted, blobs, strict=True))


def _read_blobs(work: Path, names: list[str]) -> Iterator[bytes]:
    output = _git(work, "cat-file", "--batch", given="".join(f"{name}\n" for name in names).encode())
    at = 0
    for _ in names:
        end = output.index(b"\n", at)
        size = int(output[at:end].split()[2])
        yield output[end + 1 : end + 1 + size]
        at = end + size + 2


def _git(work: Path, *arguments: str, given: bytes = b"") -> bytes:
    command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "fetch.fsckObjects=true", "-c", "gc.auto=0", *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    environment |= {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": _PROTOCOLS,
        "GIT_DIR": str(work),
        "LC_ALL": "C",
    }
    try:
        done = subprocess.run(
            command, cwd=work, env=environment, input=given, capture_output=True, timeout=TIMEOUT, check=False
        )
    except FileNotFoundError:
        raise Unfetched("there is no `git` on this machine", "install git, or use a template file") from None
    except subprocess.TimeoutExpired:
        raise Unfetched(f"git did not answer within {TIMEOUT} s", "check the address and the network") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        reason = next((line for line in lines if line.startswith("fatal:")), lines[-1]).removeprefix("fatal: ")
        raise Unfetched(f"git failed: {reason}", "check the address, and that `git ls-remote` reaches it")
    return done.stdout
