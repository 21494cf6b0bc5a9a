"""Lines that no message may show, because something sensitive stands there."""

from __future__ import annotations

from collections.abc import Iterable

from nexusctl.config.document.node import Mapping, Node, Scalar, Source
from nexusctl.model.values.late_regex import late_regex

SENSITIVE = "sensitive"
"""The word that every file has in it which declares something sensitive."""

Discreet = tuple[str, str]
"""A summary and a hint that repeat nothing of what a file says but names."""

SECTIONS = ("variables", "parameters")
"""Where things are declared that may be sensitive: in a stack file, and in a template."""

_KEY = late_regex(r"""["']?([A-Za-z_+][\w+-]*)["']?[ \t]*:(?=\s|\Z)""")

# What can stand at the top of a file besides these sections.
_HARMLESS = {
    *("name", "version", "sandboxes", "networks", "volumes", "secrets", "outputs", "include"),
    *("description", "extends", "image", "manager", "defaults", "bootstrap"),
}


# What a declaration says that gives no value away.
_TELLING = {"type", "description", "allowed", "pattern", "sensitive"}


def is_sensitive(declaration: Node | None) -> bool:
    """Whether what a file says of a variable or parameter makes it sensitive; a wrong word there does, too."""
    sensitive = declaration.get("sensitive") if isinstance(declaration, Mapping) else None
    return isinstance(sensitive, Scalar) and sensitive.value is not False


def sensitive_names(layers: Iterable[Mapping]) -> frozenset[str]:
    """The names of all that one of the `layers` declares as sensitive."""
    sections = [layer.section(key) for layer in layers for key in SECTIONS]
    return frozenset(name for section in sections for name, node in section.items() if is_sensitive(node))


def hide_declared(layers: Iterable[Mapping]) -> None:
    """Hide the declarations of what one of the `layers` says is sensitive, in all of them."""
    layers = list(layers)
    names = sensitive_names(layers)
    for section in (layer.get(key) for layer in layers for key in SECTIONS):
        for key, value in _pick(section, names):
            _hide_lines(key, value, whole=not isinstance(value, Mapping) or not value.keys.keys() <= _TELLING)
            _withhold([value] if not isinstance(value, Mapping) else _values(value))


def hide_entries(names: Iterable[str], mapping: Node | None) -> None:
    """Hide what `mapping` says for `names`, wherever it was written."""
    for key, value in _pick(mapping, names):
        _hide_lines(key, value, whole=True)
        _withhold([value])


def _pick(mapping: Node | None, names: Iterable[str]) -> list[tuple[Scalar, Node]]:
    if not isinstance(mapping, Mapping):
        return []
    return [(mapping.keys[name], mapping.values[name]) for name in names if name in mapping.keys]


def _values(declaration: Mapping) -> list[Node]:
    return [value for key, value in declaration.values.items() if key not in _TELLING]


def hide_all(source: Source) -> None:
    source.hidden.update(range(1, len(source.lines) + 1))


def clear(key: Scalar, value: Node) -> None:
    """Let messages show the lines of a `value` that is given to a template, as it is known not to be sensitive."""
    key.source.cleared.update(range(key.line, value.end + 1))


def _hide_lines(key: Scalar, value: Node, *, whole: bool) -> None:
    """Hide the lines from `key` to the end of its `value`, and those of all that was written for it once more."""
    if whole and key.source is value.source:
        key.source.hidden.update(range(key.line, value.end + 1))
    for again, other in key.source.repeated:
        if again.text == key.text:
            key.source.hidden.update(range(again.line, other.end + 1))


def _withhold(nodes: list[Node]) -> None:
    """Hide all that `nodes` hold."""
    waiting, seen = list(nodes), set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        node.source.hidden.update(range(node.line, node.end + 1))
        node.source.withheld.add((node.line, node.column))
        # Only what a reference brought here was written elsewhere.
        origin = getattr(node, "origin", None)
        waiting += [origin] if origin else []
        if not isinstance(node, Scalar):
            waiting += node.values.values() if isinstance(node, Mapping) else node.items


def may_hide(text: str) -> bool:
    """Whether a file with this text, or one that it names, may declare something as sensitive."""
    return any(word in text for word in (SENSITIVE, "include", "extends"))


def hide_sections(source: Source) -> None:
    """Hide what may be sensitive in a file that cannot be read: all but the sections that are known to be harmless."""
    name = None
    for number, line in enumerate(source.lines, 1):
        if line[:1].strip(" \t#"):
            key = _KEY.match(line)
            name = key[1].strip("+") if key else None
        if name not in _HARMLESS:
            source.hidden.add(number)
