"""What sandboxes give to their templates that is sensitive, and how a file says it that shows nothing of it."""

from __future__ import annotations

from typing import Any

from nexusctl.config.hidden import sensitive_names
from nexusctl.config.node import Mapping, Node, Sequence
from nexusctl.config.placed import Woven
from nexusctl.config.sandbox import Group
from nexusctl.model.bare import Bare
from nexusctl.model.secret import SecretRef


def is_from_parameter(node: Node) -> bool:
    """Whether a template put a sensitive parameter here, as it will again."""
    parts = node.parts if isinstance(node, Woven) else ()
    return any(isinstance(part, SecretRef) and part.source == "parameter" for part in parts)


def literals(group: Group, node: Node) -> dict[str, Node]:
    """The values of sensitive parameters that `node`, of which `group` was made, writes out, by name."""
    given = node.get("with") if isinstance(node, Mapping) else None
    names = sensitive_names(group.file.layers) if group.file else frozenset()
    if not isinstance(given, Mapping):
        return {}
    return {name: node for name, node in given.values.items() if name in names and not isinstance(node, Woven)}


def without_literals(name: str, group: Group, node: Mapping, values: dict[str, Any], declared: dict[str, Any]) -> None:
    """Put variables in the place of what `values` of the sandbox `name` write out, and declare them in `declared`."""
    for key, value in node.section("env").items():
        if is_from_parameter(value):
            del values["env"][key]
    if not values.get("env", True):
        del values["env"]
    for parameter, value in literals(group, node).items():
        variable = f"{name}_{parameter}".replace("-", "_")
        while variable in declared:
            variable += "_"
        kind = {Mapping: "map", Sequence: "list"}.get(type(value))
        declared[variable] = {**({"type": kind} if kind else {}), "sensitive": Bare("true")}
        values["with"][parameter] = f"${{var.{variable}}}"
