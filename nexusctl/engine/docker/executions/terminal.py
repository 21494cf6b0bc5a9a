"""A terminal that lives in a sandbox with its command, whoever looks at it: a tool of the sandbox has its other end."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

TOOLS = """
command -v stty >/dev/null && command -v tty >/dev/null || exit 1
case $(script --version 2>/dev/null </dev/null) in *util-linux*) echo script; exit;; esac
command -v python3 >/dev/null && python3 -c 'import pty' 2>/dev/null && echo python3
"""
"""Says which tool of the sandbox can have the other end; nothing where none can. Others than util-linux's `script` of
that name neither take an input that is no terminal nor tell how the command has ended.
"""

# The tool turns echo off where its own input is no terminal, as the execution's is not.
_BEGIN = """
{ tty >"$1/terminal"; stty echo rows 24 cols 80; } 2>/dev/null
shift; exec "$@"
"""

_PYTHON = """
import os, pty, sys
code = os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:]))
sys.exit(code if code >= 0 else 128 - code)
"""

RESIZE = """
id=$1 rows=$2 columns=$3; shift 3
for root do here=$root/executions/$id; if [ -d "$here" ]; then break; fi; done
if [ ! -f "$here/terminal" ] || [ -h "$here/terminal" ]; then exit 0; fi
read -r terminal <"$here/terminal"
case $terminal in /dev/pts/*) stty rows "$rows" cols "$columns" <"$terminal";; esac
"""
"""The kernel tells the command of the new size."""


def wrap(argv: Sequence[str], tool: str, shell: Sequence[str], folder: str) -> tuple[str, ...]:
    """`argv` at a terminal of its own, whose name is written down in the execution's `folder`. Pure."""
    inside = (*shell, "-c", _BEGIN, "nexusctl", folder, *argv)
    if tool == "python3":
        return ("python3", "-c", _PYTHON, *inside)
    return ("script", "-qefc", shlex.join(inside), "/dev/null")
