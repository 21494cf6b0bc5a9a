"""The door to ruamel.yaml: a draft as the text of a stack file, and into a file that is there already.

It keeps comments, order and quotes of a file that it changes, which the parser of stack files has no need to.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from nexusctl.errors import Diagnostic, InputError

# Everything else is quoted, so that nobody has to wonder what YAML makes of it.
_PLAIN = re.compile(r"[0-9]+(?:ms|[smhdkgt])\Z|[A-Za-z./~][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@-]+)*\Z")
_AMBIGUOUS = re.compile(r"(?:yes|no|on|off|y|n|true|false|null|~)\Z", re.IGNORECASE)
_FLOW = ("command", "depends_on", "networks", "profiles", "env_file", "secrets")
_WIDEST_FLOW = 90
_SECTIONS = ("volumes", "networks", "secrets", "variables", "sandboxes")


def write_text(document: Mapping[str, Any]) -> str:
    """`document` as YAML, short lists on one line, with an empty line before each section and sandbox."""
    styled = _style(document, ())
    for number, (key, value) in enumerate(styled.items()):
        if number and key in _SECTIONS:
            styled.yaml_set_comment_before_after_key(key, before="\n")
        if key == "sandboxes" and isinstance(value, CommentedMap):
            for later in list(value)[1:]:
                value.yaml_set_comment_before_after_key(later, before="\n")
    # An empty comment stands for an empty line, and is written with its sign.
    return re.sub(r"^ *#\n *#? *$|^ *# *$", "", _dump(styled), flags=re.MULTILINE)


def insert(text: str, document: Mapping[str, Any]) -> str:
    """The stack file `text` with the sections of `document` added; what stands in it stays as it is.

    Raises `InputError` where a name of `document` is taken, or where `text` is no stack file.
    """
    present = _parse(text)
    clashes = [
        f"{section}.{name}"
        for section in _SECTIONS
        for name, value in (document.get(section) or {}).items()
        if name in (present.get(section) or {}) and _plain(present[section][name]) != value
    ]
    if clashes:
        raise InputError(
            *(Diagnostic(f"the file has `{clash}` already", hint="rename one of them first") for clash in clashes)
        )
    for section in _SECTIONS:
        added = document.get(section)
        if added and not present.get(section):
            present[section] = _style(added, (section,))
        elif added:
            for name, value in added.items():
                present[section].setdefault(name, _style(value, (section, name)))
    return _dump(present)


def read_name(text: str) -> str:
    """The name of the stack file `text`, empty where it has none. Raises `InputError` where it is no stack file."""
    return str(_parse(text).get("name") or "")


def _parse(text: str) -> CommentedMap:
    try:
        present = _yaml().load(text)
    except YAMLError:
        present = None
    if not isinstance(present, CommentedMap):
        raise InputError(
            Diagnostic("the file to add to is no stack file", hint="`nexusctl validate` says what is wrong")
        )
    return present


def _dump(value: CommentedMap) -> str:
    stream = io.StringIO()
    _yaml().dump(value, stream)
    return stream.getvalue()


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(type(None), _represent_nothing)
    return yaml


def _represent_nothing(representer: Any, _: None) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:null", "")


def _style(value: Any, path: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping):
        styled = CommentedMap((key, _style(item, (*path, str(key)))) for key, item in value.items())
        if path[2:] in (("resources",), ("health",)) or path[2:-1] == ("depends_on",):
            styled.fa.set_flow_style()
        return styled
    if isinstance(value, list | tuple):
        listed = CommentedSeq(_style(item, (*path, "")) for item in value)
        if path[2:] and path[2] in _FLOW and len(str(value)) < _WIDEST_FLOW:
            listed.fa.set_flow_style()
        return listed
    return _quote(value) if isinstance(value, str) else value


def _quote(text: str) -> str:
    if (
        "\n" in text
        and "\t" not in text
        and not re.search(r" \n|[^\x20-\x7e\n\x85\xa0-\ud7ff]", text)
        and text[:1] != " "
    ):
        return LiteralScalarString(text)  # type: ignore[no-any-return]
    if _PLAIN.match(text) and not _AMBIGUOUS.match(text):
        return text
    return DoubleQuotedScalarString(text)  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value
