"""A draft as the text of a stack file, and into a file that is there already."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from nexusctl.config.document.node import plain
from nexusctl.config.edit.edit import set_value
from nexusctl.config.edit.fragment import Flow, entry
from nexusctl.config.edit.parsed import parse
from nexusctl.errors import Diagnostic, EditError, InputError

_FLOW = ("command", "depends_on", "networks", "profiles", "env_file", "secrets")
_WIDEST_FLOW = 90
_DISPLAY = "the file to add to"
_SECTIONS = ("volumes", "networks", "secrets", "variables", "sandboxes")


def write_text(document: Mapping[str, Any]) -> str:
    """`document` as YAML, short lists on one line, with an empty line before each section and sandbox."""
    lines: list[str] = []
    for key, value in document.items():
        if lines and key in _SECTIONS:
            lines.append("")
        if key == "sandboxes" and isinstance(value, Mapping) and value:
            lines.append(f"{key}:")
            for number, (name, sandbox) in enumerate(value.items()):
                lines += [*([""] if number else []), *entry(name, _style(sandbox, (key, name)), 2)]
        else:
            lines += entry(key, _style(value, (key,)), 0)
    return "".join(f"{line}\n" for line in lines)


def insert(text: str, document: Mapping[str, Any]) -> str:
    """The stack file `text` with the sections of `document` added; what stands in it stays byte for byte.

    Raises `InputError` where a name of `document` is taken, or where `text` is no stack file.
    """
    present = _read(text)
    taken = [
        f"{section}.{name}"
        for section in _SECTIONS
        for name, value in (document.get(section) or {}).items()
        if name in (present.get(section) or {}) and present[section][name] != value
    ]
    if taken:
        raise InputError(
            *(Diagnostic(f"the file has `{clash}` already", hint="rename one of them first") for clash in taken)
        )
    for section in _SECTIONS:
        for name, value in (document.get(section) or {}).items():
            if name not in (present.get(section) or {}):
                text = set_value(text, (section, name), _style(value, (section, name)), display=_DISPLAY)
    return text


def read_name(text: str) -> str:
    """The name of the stack file `text`, empty where it has none. Raises `InputError` where it is no stack file."""
    return str(_read(text).get("name") or "")


def _read(text: str) -> dict[str, Any]:
    tree = None
    with suppress(EditError):
        tree = parse(text.removeprefix("\ufeff"), _DISPLAY).tree
    present = plain(tree) if tree else None
    if not isinstance(present, dict):
        raise InputError(
            Diagnostic("the file to add to is no stack file", hint="`nexusctl validate` says what is wrong")
        )
    return present


def _style(value: Any, path: tuple[str, ...]) -> Any:
    """`value` with its short parts on one line."""
    if isinstance(value, Mapping):
        styled = {str(key): _style(item, (*path, str(key))) for key, item in value.items()}
        on_one_line = path[2:] in (("resources",), ("health",)) or path[2:-1] == ("depends_on",)
        return Flow(styled) if on_one_line else styled
    if isinstance(value, list | tuple):
        listed = [_style(item, (*path, "")) for item in value]
        return Flow(listed) if path[2:] and path[2] in _FLOW and len(str(value)) < _WIDEST_FLOW else listed
    return value
