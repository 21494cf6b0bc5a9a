"""The name of a stack whose file says it in plain words, which is all that a command in one sandbox needs of it."""

from __future__ import annotations

import stat
from pathlib import Path

from nexusctl.model.load_request import STDIN, Inputs
from nexusctl.model.values.late_regex import late_regex

_LONGEST = 1024 * 1024
_NAME = late_regex(r"name:[ ]+([a-z](?:[a-z0-9-]{0,38}[a-z0-9])?)[ ]*(?:[ ]#.*)?\r?\Z")
_WORDS = ("null", "true", "false", "yes", "no", "on", "off", "y", "n")
"""What YAML takes for something else than a text."""
_SPECIAL = ("'", '"', "?", "&", "*", "!", "{", "[", "|", ">", "%", "---", "...", "<<", "+")
"""What begins a line in which more than the plain key of a mapping may stand."""
_INCLUDE = "include"
"""What begins one that brings other files in."""


def read_name(inputs: Inputs, *, unread: bool = False) -> str:
    """The name that is said so by the only file, of somebody who is trusted; empty where more has to be read.

    With `unread` it is so also where that includes files, as these cannot be read: its own name is the one that counts.
    """
    alone = len(inputs.files) == 1 and inputs.files[0] != STDIN and not inputs.trust.untrusted
    return read_plain_name(inputs.files[0], unread=unread) if alone else ""


def read_plain_name(path: Path, *, unread: bool = False) -> str:
    """The name that the file gives its stack; empty where it takes a reader of YAML to say so."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return ""
        with path.open("rb") as file:
            data = file.read(_LONGEST + 1)
        text = data.decode() if len(data) <= _LONGEST else ""
    except (OSError, UnicodeDecodeError):
        return ""
    lines = [line for line in text.split("\n") if line.strip() and not line.startswith("#")]
    named = [number for number, line in enumerate(lines) if line.startswith("name")]
    special = _SPECIAL if unread else (*_SPECIAL, _INCLUDE)
    if len(named) != 1 or any(line.startswith(special) for line in lines):
        return ""
    goes_on = lines[named[0] + 1 : named[0] + 2]
    found = _NAME.match(lines[named[0]])
    if not found or found[1] in _WORDS or any(line.startswith((" ", "\t")) for line in goes_on):
        return ""
    return found[1]
