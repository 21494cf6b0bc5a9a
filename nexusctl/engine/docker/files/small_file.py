"""One small file into a running sandbox through the input of one command, which also puts it in its place.

The engine unpacks an archive by starting a copy of itself, which takes as long as a command in the sandbox; this
spares it. It is for the file that somebody edits over and over.
"""

from __future__ import annotations

from collections.abc import Sequence

from nexusctl.engine.command import Outcome
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import CHANGE_TIMEOUT, ROOT, run
from nexusctl.engine.docker.files.entries import FileEntry, read_content

LIMIT = 4 * 1024 * 1024
"""Bytes up to which the content is held in memory."""

_UNFIT = 78
_NO_COMMAND = (126, 127)

_LAY = f"""
umask 077
if head -c "$3" >"$1" && [ "$(wc -c <"$1")" -eq "$3" ] && chown -- "$4" "$1" && chmod -- "$5" "$1"; then
  set -- "$1" "$2"
else
  rm -f -- "$1"; exit {_UNFIT}
fi 2>/dev/null
"""


def is_small_file(entries: Sequence[FileEntry]) -> bool:
    """Whether `entries` are one file that fits."""
    return len(entries) == 1 and entries[0].file.kind == "file" and entries[0].file.size <= LIMIT


def pipe_file(wire: Wire, container_id: str, entry: FileEntry, temporary: str, rename: str) -> Outcome | None:
    """Lay the file at `temporary`, whole and with its owner and mode, then run the script `rename` on it and its path.

    None where the sandbox lacks what it takes, such as the folder or a tool: then nothing is left of it.
    Raises `StepError` for a file that is not the one that was planned, before anything is sent.
    """
    content = b"".join(read_content(entry))
    owner, mode = f"{entry.uid}:{entry.gid}", f"{entry.file.mode:o}"
    words = (temporary, entry.path, str(len(content)), owner, mode)
    command = ("/bin/sh", "-c", _LAY + rename, "upload", *words)
    outcome = run(wire, container_id, command, user=ROOT, working_dir="/", timeout=CHANGE_TIMEOUT, stdin=content)
    return None if outcome.exit_code in (_UNFIT, *_NO_COMMAND) else outcome
