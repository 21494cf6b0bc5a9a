"""The sandboxes of a template that stands for several, as entries of a stack file. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

_PARAMETER = re.compile(r"(?<!\$)\$\{param\.([A-Za-z_][A-Za-z0-9_]{0,63})\}")
_SANDBOX = re.compile(r"(?<!\$)\$\{sandbox\.([a-z0-9-]+)(?=[.}])")

Entry = Mapping[str, Any]


def members_of(
    sandboxes: Mapping[str, Entry], deployment: str, values: Mapping[str, Any], folder: str
) -> dict[str, dict[str, Any]]:
    """The entries by their names in the stack, in which `values` stand for parameters, and new names for old ones.

    What they upload lies below `folder`, the template's, as seen from the stack file. Raises `KeyError` with the name
    of a parameter that has no value.
    """
    names = {name: f"{deployment}-{name}" for name in sandboxes}

    def put(text: str) -> Any:
        if whole := _PARAMETER.fullmatch(text):
            return values[whole[1]]
        filled = _PARAMETER.sub(lambda found: _as_text(values[found[1]]), text)
        return _SANDBOX.sub(lambda found: f"${{sandbox.{names.get(found[1], found[1])}", filled)

    made = {names[name]: _put_in(dict(entry), put) for name, entry in sandboxes.items()}
    for entry in made.values():
        if "depends_on" in entry:
            entry["depends_on"] = _renamed(entry["depends_on"], names)
        if "uploads" in entry:
            entry["uploads"] = [_moved(item, folder) for item in entry["uploads"]]
    return made


def _moved(upload: Any, folder: str) -> Any:
    source = upload.get("source") if isinstance(upload, dict) else None
    if not isinstance(source, str) or source.startswith(("/", "~", "$")):
        return upload
    return {**upload, "source": str(PurePosixPath(folder, source))}


def _put_in(value: Any, put: Callable[[str], Any]) -> Any:
    if isinstance(value, str):
        return put(value)
    if isinstance(value, list | tuple):
        return [_put_in(item, put) for item in value]
    if isinstance(value, Mapping):
        return {key: _put_in(item, put) for key, item in value.items()}
    return value


def _renamed(needs: Any, names: Mapping[str, str]) -> Any:
    if isinstance(needs, Mapping):
        return {names.get(name, name): condition for name, condition in needs.items()}
    return [names.get(name, name) for name in needs]


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
