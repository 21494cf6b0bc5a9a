"""A document with every `${...}` in its place. Only loaded for files that have variables or references."""

from __future__ import annotations

from nexusctl.config.interpolation import Interpolation, Namespace, Unresolved, rebuilt
from nexusctl.config.node import Mapping, Node, Scalar
from nexusctl.config.problems import Problems
from nexusctl.config.scopes import TextFiles, resolve_env, stack_scope
from nexusctl.config.secret_scope import SecretScope
from nexusctl.config.variables import Variables, gather
from nexusctl.model.inputs import Given

# What these sections hold is worked out by those who know them.
_APART = ("variables", "outputs")


def weave(document: Mapping, given: Given, problems: Problems) -> tuple[Mapping, dict[str, Node]]:
    """The merged `document` as the schema is to see it, and the values of its variables.

    Wrong references are reported, and what holds them is dropped.
    """
    declared = document.get("variables")
    section = declared if isinstance(declared, Mapping) else Mapping(document.source, 1, 1)
    supplied = gather(given, section.keys, problems)
    variables = Variables(section, supplied, lambda node: interpolation.tree(node), problems)  # noqa: PLW0108  (made below)
    name = _Name(document)
    namespaces: dict[str, Namespace] = {
        "env": resolve_env,
        "file": TextFiles().resolve,
        "stack": stack_scope(lambda: name.find(interpolation)),
        "var": variables.resolve,
    }
    secrets = SecretScope(document)
    namespaces |= secrets.namespaces
    interpolation = Interpolation(namespaces, problems, variables=section.keys)
    variables.settle()
    values = {name: value for name in section.keys if (value := variables.value(name)) is not None}
    return secrets.with_declarations(_weave_sections(document, interpolation, problems)), values


def _weave_sections(document: Mapping, interpolation: Interpolation, problems: Problems) -> Mapping:
    woven = {key: _weave_section(key, node, interpolation, problems) for key, node in document.values.items()}
    return rebuilt(document, woven)


def _weave_section(key: str, node: Node, interpolation: Interpolation, problems: Problems) -> Node | None:
    if key in _APART:
        return node
    if key == "sandboxes" and isinstance(node, Mapping):
        return _weave_sandboxes(node, interpolation, problems)
    return interpolation.tree(node)


def _weave_sandboxes(section: Mapping, interpolation: Interpolation, problems: Problems) -> Mapping:
    woven: dict[str, Node | None] = {}
    for name, node in section.values.items():
        problems.sandbox = name
        woven[name] = interpolation.tree(node)
    problems.sandbox = None
    return rebuilt(section, woven)


class _Name:
    """The stack's name, which may hold references itself."""

    def __init__(self, document: Mapping) -> None:
        self._node = document.get("name")
        self._open = False

    def find(self, interpolation: Interpolation) -> str | None:
        if self._open:
            raise Unresolved("the name of the stack cannot hold itself", "write the name, or a variable")
        self._open = True
        found = interpolation.tree(self._node) if self._node else None
        self._open = False
        return found.text if isinstance(found, Scalar) else None
