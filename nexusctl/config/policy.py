"""The file that bounds what agents may ask for: what it says, and everything that is wrong with it at its place."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from nexusctl.config.build.limits import build_resources
from nexusctl.config.document.node import Mapping, Scalar, Sequence, plain
from nexusctl.config.document.problems import Problems
from nexusctl.config.read.reader import read_source
from nexusctl.config.read.yaml_parser import compose, compose_any
from nexusctl.config.validate.validate import validate
from nexusctl.model.trust import OURS
from nexusctl.model.values.did_you_mean import suggest

KIND = "policy"
SCHEMA = "door.schema.json"

_GLOB = frozenset("*?[")


def load_policy(path: Path, tools: Collection[str], templates: Collection[str]) -> dict[str, Any]:
    """What the policy in a file says; nothing where it is empty. `tools` and `templates` are all that there are.

    Raises `InputError` with everything that is wrong with it: a name that fits nothing would bound nothing.
    """
    source, problems = read_source(path, kind=KIND, trust=OURS), Problems()
    if compose_any(source, problems) is None:
        problems.raise_any()
        return {}
    document = validate(compose(source, problems), SCHEMA, problems)
    _check_tools(document, tools, problems)
    for place in _names(document, "templates"):
        # A template that a glob is for may come later.
        if not _GLOB & set(place.text) and place.text not in templates:
            problems.add(place, f"there is no template `{place.text}`", suggest(place.text, templates, "templates"))
    build_resources(document, problems)
    problems.raise_any()
    found: dict[str, Any] = plain(document)
    return found


def _check_tools(document: Mapping, tools: Collection[str], problems: Problems) -> None:
    for key in ("tools", "approval"):
        for place in _names(document, key):
            if not any(fnmatchcase(tool, place.text) for tool in tools):
                what = "fits no tool" if _GLOB & set(place.text) else "is no tool"
                problems.add(place, f"`{place.text}` {what}", suggest(place.text, tools, "tools"))
    listed = document.get("tools")
    if isinstance(listed, Sequence) and not listed.items:
        hint = "name some, such as `tools: [sandbox_list]`, or leave `tools` out for all"
        problems.add(document.keys["tools"], "this leaves agents no tool at all", hint)


def _names(document: Mapping, key: str) -> Iterator[Scalar]:
    listed = document.get(key)
    return (item for item in (listed.items if isinstance(listed, Sequence) else ()) if isinstance(item, Scalar))
