"""What sandboxes give to their templates that is sensitive, and how a file says it that shows nothing of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nexusctl.config.hidden import sensitive_names
from nexusctl.config.instances import Kept
from nexusctl.config.node import Mapping, Node, Sequence
from nexusctl.config.placed import Woven
from nexusctl.config.problems import Problems
from nexusctl.config.sandbox import Group
from nexusctl.config.template import TemplateFile, Templates
from nexusctl.model.bare import Bare
from nexusctl.model.secret import SecretRef


def is_from_parameter(node: Node) -> bool:
    """Whether a template put a sensitive parameter here, as it will again."""
    parts = node.parts if isinstance(node, Woven) else ()
    return any(isinstance(part, SecretRef) and part.source == "parameter" for part in parts)


def template_of(node: Node, group: Group | None, root: Path) -> TemplateFile | None:
    """The template of `node`, of which `group` was made; where none was, it is read anew, if it can be."""
    if group or not isinstance(node, Mapping):
        return group.file if group else None
    return Templates(Problems(), root).find(node)


def sensitive_given(node: Node, file: TemplateFile | None) -> dict[str, Node]:
    """What `node` gives to sensitive parameters of its template, by name."""
    given = node.get("with") if isinstance(node, Mapping) else None
    names = sensitive_names(file.layers) if file else frozenset()
    return {name: value for name, value in given.values.items() if name in names} if isinstance(given, Mapping) else {}


def without_literals(
    name: str, node: Mapping, file: TemplateFile | None, values: dict[str, Any], declared: dict[str, Any]
) -> None:
    """Put variables in the place of what `values` of the sandbox `name` write out, and declare them in `declared`."""
    for key, value in node.section("env").items():
        if is_from_parameter(value):
            del values["env"][key]
    if not values.get("env", True):
        del values["env"]
    for parameter, value in sensitive_given(node, file).items():
        variable = f"{name}_{parameter}".replace("-", "_")
        values["with"][parameter] = _without_literals(value, variable, declared)


def _without_literals(value: Node, variable: str, declared: dict[str, Any]) -> Any:
    """`value` with a variable that is called like `variable` for each text in it, or for the whole of it."""
    if not isinstance(value, Woven):
        kind = {Mapping: "map", Sequence: "list"}.get(type(value))
        return _declare(variable, declared, {"type": kind} if kind else {})
    parts = [part for part in value.parts if part != ""]
    return "".join(
        _declare(variable, declared, {}) if isinstance(part, str) else reference_text(part) for part in parts
    )


def _declare(variable: str, declared: dict[str, Any], more: dict[str, str]) -> str:
    """The reference to a new sensitive variable."""
    while variable in declared:
        variable += "_"
    declared[variable] = {**more, "sensitive": Bare("true")}
    return f"${{var.{variable}}}"


def reference_text(part: Any) -> str:
    """How a stack file refers to what has no value here: a secret, or what differs between sandboxes."""
    if isinstance(part, Kept):
        return part.text
    if isinstance(part, SecretRef):
        return f"${{{'param' if part.source == 'parameter' else 'var'}.{part.name}}}"
    return f"${{secret.{part.secret}}}"
