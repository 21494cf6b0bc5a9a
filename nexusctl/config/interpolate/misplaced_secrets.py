"""Secrets where none can stand: only some places of a stack file keep them apart from other texts."""

from __future__ import annotations

from nexusctl.config.document.derived import MixedText, rebuilt
from nexusctl.config.document.node import Mapping, Node, Sequence
from nexusctl.config.document.problems import Problems

# The keys of a sandbox whose values may hold secrets; what a template does with them is looked at there.
_HOLDING = ("env", "with")

# Sections that deal with secrets themselves.
_KNOWING = ("variables", "outputs")


def drop_stray(document: Mapping, problems: Problems) -> Mapping:
    """`document` without the secrets that would show where they stand, which are reported."""
    values = {key: _in_section(key, node, problems) for key, node in document.values.items()}
    return rebuilt(document, values)


def drop_stray_in_template(document: Mapping, problems: Problems) -> Mapping:
    """The same for a template that was given its values."""
    values = {
        key: _in_sandbox(node, key, problems) if key == "defaults" else _without(node, key, problems)
        for key, node in document.values.items()
    }
    return rebuilt(document, values)


def _in_section(key: str, node: Node, problems: Problems) -> Node | None:
    if key in _KNOWING:
        return node
    if key != "sandboxes" or not isinstance(node, Mapping):
        return _without(node, key, problems)
    return rebuilt(node, {name: _in_sandbox(part, f"{key}.{name}", problems) for name, part in node.values.items()})


def _in_sandbox(node: Node, where: str, problems: Problems) -> Node | None:
    if not isinstance(node, Mapping):
        return _without(node, where, problems)
    values = {
        key: value if key in _HOLDING else _without(value, f"{where}.{key}", problems)
        for key, value in node.values.items()
    }
    return rebuilt(node, values)


def _without(node: Node, where: str, problems: Problems) -> Node | None:
    if isinstance(node, Mapping):
        return rebuilt(node, {key: _without(value, f"{where}.{key}", problems) for key, value in node.values.items()})
    if isinstance(node, Sequence):
        return _without_items(node, where, problems)
    if not isinstance(node, MixedText):
        return node
    hint = "write it in the `env` of `defaults`" if node.source.is_template else "hand it to a sandbox in its `env`"
    problems.add(node, f"a secret cannot stand in `{where}`, where it would show", hint)
    return None


def _without_items(node: Sequence, where: str, problems: Problems) -> Sequence | None:
    kept = [_without(item, f"{where}[{number}]", problems) for number, item in enumerate(node.items)]
    if all(new is old for new, old in zip(kept, node.items, strict=True)):
        return node
    if not any(kept):
        return None
    made = Sequence(node.source, node.line, node.column)
    made.items = [item for item in kept if item is not None]
    return made
