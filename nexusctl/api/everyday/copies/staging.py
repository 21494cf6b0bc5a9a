"""Folders and archives into a running sandbox: laid down beside what is there, and moved to their places when whole."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from posixpath import join

from nexusctl.engine.base import Engine
from nexusctl.engine.command import Command
from nexusctl.errors import Diagnostic, EngineError, InputError
from nexusctl.model.observed.live import LiveSandbox

_PATIENCE = 600.0
"""Seconds for the moves: each is a new name alone, so only a folder with very many takes long."""

_OPEN = """
while read -r _ at _; do case $at in "${1%/}"/?*) exit 1 ;; esac; done < /proc/self/mounts
command -v mv && command -v rm && mkdir "$2" || exit 1
chmod 0 "$2" && mkdir "$2/x" && rmdir "$2/x" && chmod 755 "$2" && exit 0
rmdir "$2/x" "$2"
exit 1
"""
"""No where a move would be a copy to another disk, and where root may not do what it does elsewhere."""

_MOVE = """
check() (
  for f in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    to=$2/${f##*/}
    [ -e "$f" ] || [ -L "$f" ] || continue
    if [ -L "$f" ] || [ ! -d "$f" ]; then
      [ -L "$to" ] || [ ! -d "$to" ] || { echo "$to is a folder"; exit 3; }
    elif [ -d "$to" ]; then check "$f" "$to" || exit 3
    elif [ -e "$to" ] || [ -L "$to" ]; then echo "$to is no folder"; exit 3
    fi
  done
  exit 0
)
move() (
  from=$1 into=$2; shift 2
  for f in "$from"/* "$from"/.[!.]* "$from"/..?*; do
    to=$into/${f##*/}
    [ -e "$f" ] || [ -L "$f" ] || continue
    if [ -d "$f" ] && [ ! -L "$f" ] && [ -d "$to" ]; then
      move "$f" "$to" || exit 1
      [ -z "$looks" ] || {
        found=$(stat -c '%a %u:%g' "$f") && chmod "${found% *}" "$to" && chown "${found#* }" "$to"
        touch -r "$f" "$to"
      } 2>/dev/null
      continue
    fi
    set -- "$@" "$f"
    [ $# -lt 200 ] || { mv -f "$@" "$into/" || exit 1; set --; }
  done
  [ $# = 0 ] || mv -f "$@" "$into/"
)
looks=$3
check "$2" "$1" && move "$2" "${1%/}" || exit
rm -rf "$2"
"""
"""A folder that is not there yet is moved as a whole; one that is there stays, and gets what comes into it."""


_IN_THE_WAY = 3
"""The exit code for it."""


@contextmanager
def staged(engine: Engine, live: LiveSandbox, folder: str, *, looks: bool) -> Iterator[str | None]:
    """Gives an empty folder in `folder`; what lies in it at the end is moved to `folder`, and nothing after an error.

    With `looks` folders that were there get mode and owner of those that come. Gives None where it cannot be done so:
    the sandbox has no tools for it, or something else is mounted below. Raises `InputError`, `EngineError`.
    """
    beside = join(folder, f".nexusctl.{os.urandom(4).hex()}")
    if live.state != "running" or _run(engine, live, _OPEN, folder, beside)[0]:
        yield None
        return
    try:
        yield beside
        _move(engine, live, folder, beside, looks=looks)
    except BaseException:
        remove(engine, live, beside)
        raise


def _move(engine: Engine, live: LiveSandbox, folder: str, beside: str, *, looks: bool) -> None:
    code, said = _run(engine, live, _MOVE, folder.rstrip("/"), beside, "yes" if looks else "")
    if code == _IN_THE_WAY:
        raise InputError(Diagnostic(f"in {live.sandbox} {said}, and something else cannot take its place"))
    if code:
        raise EngineError(f"{live.sandbox} could not move what came to {folder}: {said or f'exit code {code}'}")


def remove(engine: Engine, live: LiveSandbox, path: str) -> None:
    """Remove what lies there, where a running sandbox has a tool for it."""
    for user in ("0", None):
        if _run(engine, live, 'rm -rf "$1"', path, user=user)[0] == 0:
            return


def _run(engine: Engine, live: LiveSandbox, script: str, *words: str, user: str | None = "0") -> tuple[int, str]:
    """Its exit code and last line, as root unless told otherwise; 127 where it cannot run."""
    said = io.BytesIO()
    argv: Sequence[str] = ("/bin/sh", "-c", script, "sh", *words)
    command = Command(argv=tuple(argv), user=user, stdout=said, stderr=said, timeout=_PATIENCE)
    try:
        code = engine.execute(live.id, command)
    except EngineError as error:
        return 127, error.summary
    lines = said.getvalue().decode(errors="replace").split("\n")
    return code, next((line for line in reversed(lines) if line.strip()), "")
