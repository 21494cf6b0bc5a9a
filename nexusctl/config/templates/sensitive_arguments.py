"""What sandboxes give to their templates that is sensitive, and how a file says it that shows nothing of it."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from pathlib import Path
from typing import Any

from nexusctl.config.document.derived import MixedText
from nexusctl.config.document.hidden_lines import clear, sensitive_names
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence, find_inside
from nexusctl.config.document.problems import Problems
from nexusctl.config.interpolate.for_each import Kept
from nexusctl.config.templates.arguments_from_each import find_each_given
from nexusctl.config.templates.template import TemplateFile, Templates
from nexusctl.model.secret import SecretRef
from nexusctl.model.values.raw_scalar import Bare

# Of the name of a variable, with room for what tells it from others.
_LONGEST = 60


def is_from_parameter(node: Node) -> bool:
    """Whether a template put a sensitive parameter here, as it will again."""
    parts = node.parts if isinstance(node, MixedText) else ()
    return any(isinstance(part, SecretRef) and part.source == "parameter" for part in parts)


def reread_template(node: Node, root: Path) -> TemplateFile | None:
    """The template of `node`, of which no sandbox was made: it is read anew, if it can be."""
    return Templates(Problems(), root).find(node) if isinstance(node, Mapping) else None


def sensitive_parameters(node: Mapping, file: TemplateFile | None) -> frozenset[str] | None:
    """The names of the parameters of the template of `node` that take secrets; None where nobody can tell."""
    if file is None and not node.lacks("template"):
        return None
    return sensitive_names(file.layers) if file else frozenset()


def clear_each(patterns: MappingType[str, Node], files: MappingType[str, TemplateFile | None]) -> None:
    """Let messages show the lines of each `for_each` of `patterns` of which nothing sensitive is made.

    `files` are the templates of what was made of them.
    """
    for name, pattern in patterns.items():
        file = files.get(name)
        each = pattern.get("for_each") if isinstance(pattern, Mapping) else None
        if isinstance(pattern, Mapping) and each and _is_harmless(pattern, file):
            clear(pattern.keys["for_each"], each)
            for key, value in _entries(each):
                clear(key, value)


def _entries(node: Node) -> list[tuple[Scalar, Node]]:
    return [(node.keys[name], value) for name, value in node.values.items()] if isinstance(node, Mapping) else []


def _is_harmless(pattern: Mapping, file: TemplateFile | None) -> bool:
    given = pattern.get("with")
    if given is None or pattern.lacks("template"):
        return pattern.lacks("with")
    # What was wrong may have been anything.
    is_whole = not (isinstance(given, Mapping) and given.dropped)
    return is_whole and not find_each_given(pattern, sensitive_parameters(pattern, file))


def without_literals(
    name: str, node: Mapping, file: TemplateFile | None, values: dict[str, Any], declared: dict[str, Any]
) -> None:
    """Put variables in the place of what `values` of the sandbox `name` write out, and declare them in `declared`."""
    for key, value in node.section("env").items():
        if is_from_parameter(value):
            del values["env"][key]
    if not values.get("env", True):
        del values["env"]
    names = sensitive_parameters(node, file)
    for parameter, value in node.section("with").items():
        if names is None or parameter in names:
            variable = f"{name}_{parameter}".replace("-", "_")
            values["with"][parameter] = _without_literals(value, variable, declared)
    each = node.get("for_each")
    if isinstance(each, Mapping):
        for words in find_each_given(node, names):
            for key in each.values:
                _replace(name, each, (key, *words), values["for_each"], declared)


def _replace(name: str, each: Node, words: tuple[str, ...], values: Any, declared: dict[str, Any]) -> None:
    """Put variables in the place of what `values`, of the `each` of the sandbox `name`, write out below `words`."""
    *above, last = words
    for word in above:
        inner = find_inside(each, word)
        if inner is None:
            return
        each, values = inner, values[_index(values, word)]
    found = find_inside(each, last)
    if found is not None:
        variable = "_".join((name, *words)).replace("-", "_")
        values[_index(values, last)] = _without_literals(found, variable, declared)


def _index(values: Any, word: str) -> str | int:
    return word if isinstance(values, dict) else int(word)


def _without_literals(value: Node, variable: str, declared: dict[str, Any]) -> Any:
    """`value` with a variable that is called like `variable` for each text in it, or for the whole of it."""
    if not isinstance(value, MixedText):
        kind = {Mapping: "map", Sequence: "list"}.get(type(value))
        return _declare(variable, declared, {"type": kind} if kind else {})
    parts = [part for part in value.parts if part != ""]
    return "".join(
        _declare(variable, declared, {}) if isinstance(part, str) else reference_text(part) for part in parts
    )


def _declare(variable: str, declared: dict[str, Any], more: dict[str, str]) -> str:
    """The reference to a new sensitive variable."""
    variable = f"_{variable}"[:_LONGEST] if variable[0].isdigit() else variable[:_LONGEST]
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
