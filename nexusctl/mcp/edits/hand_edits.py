"""What somebody has edited by hand before an edit of the door's was taken back: kept, or told by its lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nexusctl.api import workspace
from nexusctl.errors import Diagnostic, InputError, Location

HINT = "look at what stands there; `nexusctl apply` makes it so"


def restore(now: str, before: str, after: str, names: Iterable[str], path: Path) -> str:
    """The text `now` with the sandboxes `names` as they were `before`; `after` is what the door had written.

    Raises `InputError` with the lines of those that somebody else has edited since.
    """
    was, wrote, found = (_entries(text, path) for text in (before, after, now))
    undone = [name for name in dict.fromkeys(names) if found.get(name) != was.get(name)]
    if edited := [name for name in undone if found.get(name) != wrote.get(name)]:
        raise InputError(*(_tell(now, name, path) for name in edited))
    text, display = now, str(path)
    for name in undone:
        place = ("sandboxes", name)
        if name in was:
            text = workspace.set_value(text, place, was[name], display=display)
        else:
            text = workspace.remove(text, place, display=display)
    return text


def _tell(now: str, name: str, path: Path) -> Diagnostic:
    lines = workspace.find_lines(now, ("sandboxes", name), path)
    if lines is None:
        return Diagnostic(f"somebody has taken {name} out of `{path}` meanwhile", hint=HINT, sandbox=name)
    first, last = lines
    place = f"line {first}" if first == last else f"lines {first} to {last}"
    summary = f"somebody has edited {name} meanwhile: {place} of `{path}`"
    return Diagnostic(summary, location=Location(str(path), first, 1), hint=HINT, sandbox=name)


def _entries(text: str, path: Path) -> Mapping[str, Any]:
    found = workspace.read_values(text, path).get("sandboxes")
    return found if isinstance(found, dict) else {}
