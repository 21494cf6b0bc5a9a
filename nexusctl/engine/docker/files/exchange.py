"""Many files of a running sandbox exchanged, each at once: laid down in a folder beside their targets, then renamed.

A program that renames starts once for all names of a folder: one for each file would take as long as thirty commands
of that many files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from posixpath import basename, dirname

from nexusctl.engine.docker.files.entries import FileEntry
from nexusctl.model.uploads_and_packages import UploadFile
from nexusctl.model.values.frozen import dataclass

ARGUMENT_BYTES = 64 * 1024
"""How much of paths one command gets; the kernel takes at least twice as much."""

POINTER = 9
"""What an argument takes besides its text: the byte at its end, and the address of it."""

NAMES = 256
"""How many files lie in one folder at most, so that several are worked on at a time."""

MARK = 12
"""So many hexadecimal digits tell one exchange from every other."""

_DIGITS = "[0-9a-f]" * MARK

# Of an exchange that was killed, or whose engine was: nobody else writes meanwhile, for the stack is locked.
SWEEP = f"""
sweep() {{
  for left in "$1"/.nexusctl-{_DIGITS}-[0-9]* "$1"/.*.nexusctl-{_DIGITS}; do
    case "$left" in *"nexusctl-$2"*) continue ;; esac
    if [ -e "$left" ]; then rm -rf -- "$left"; fi
  done
}}
"""
"""A shell function that removes from a folder what an earlier exchange has left there; it spares a mark's own."""

# The folder is entered, so that `..` is where its files go, whatever links lead there. A file system takes its time to
# give up the old files, hence several at once. What does not come through leaves its folder behind.
EXCHANGE = (
    f"""{SWEEP}
mark=$1
shift
"""
    """
move() {
  if [ ! -e "$1" ] && [ ! -L "$1" ]; then return 0; fi
  for name do
    if [ -d "../$name" ] && [ ! -L "../$name" ]; then
      echo "${folder%/*}/$name is a folder in the sandbox and a file in the upload"; return 1
    fi
  done
  mv -f -- "$@" ..
}
exchange() { cd -- "$folder" && move * && move .[!.]* && move ..?* && cd / && rm -rf -- "$folder"; }
count=0
for folder do
  exchange &
  count=$((count + 1))
  if [ $((count % 8)) -eq 0 ]; then wait; fi
done
wait
for folder do if [ -d "$folder" ]; then exit 1; fi; done
for folder do sweep "${folder%/*}" "$mark"; done
"""
)
"""A script that gets its mark and the folders; it removes them after what lies in them is in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """What to lay down, where each of it goes first, and the folders that are made for that."""

    entries: Sequence[FileEntry]
    places: Mapping[str, str]
    folders: Sequence[str]

    def place(self, entry: FileEntry) -> str:
        return self.places.get(entry.path, entry.path)


def stage(entries: Iterable[FileEntry], mark: str) -> Staging:
    """The way for `entries`; folders among them are laid down as they are. `mark` is in the names of ours."""
    laid: list[FileEntry] = []
    places: dict[str, str] = {}
    folders: list[str] = []
    open_folders: dict[str, tuple[str, int, int]] = {}
    for entry in entries:
        if entry.file.kind != "folder":
            parent, name = dirname(entry.path).rstrip("/"), basename(entry.path)
            cost = _measure(name)
            folder, room, names = open_folders.get(parent, ("", 0, 0))
            if room < cost or not names:
                folder, room, names = f"{parent}/.nexusctl-{mark}-{len(folders)}", ARGUMENT_BYTES, NAMES
                folders.append(folder)
                laid.append(_make_folder(folder, entry))
            open_folders[parent] = folder, room - cost, names - 1
            places[entry.path] = f"{folder}/{name}"
        laid.append(entry)
    return Staging(entries=laid, places=places, folders=folders)


def _make_folder(path: str, first: FileEntry) -> FileEntry:
    """For root alone: what lies in it is not in its place yet."""
    folder = UploadFile(path="", digest="", mode=0o700, kind="folder")
    return FileEntry(path=path, upload=first.upload, file=folder, uid=0, gid=0)


def batch(paths: Sequence[str]) -> Iterator[list[str]]:
    """`paths` in as many parts as their length asks for."""
    found: list[str] = []
    left = ARGUMENT_BYTES
    for path in paths:
        cost = _measure(path)
        if found and cost > left:
            yield found
            found, left = [], ARGUMENT_BYTES
        found.append(path)
        left -= cost
    if found:
        yield found


def _measure(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape")) + POINTER
