"""Lines that no message may show, because the default of a sensitive variable stands there."""

from __future__ import annotations

from collections.abc import Iterable

from nexusctl.config.node import Mapping, Scalar
from nexusctl.config.variables import is_sensitive


def hide_defaults(merged: Mapping, layers: Iterable[Mapping]) -> None:
    """Hide what declares sensitive variables with a default, in the file of each layer.

    Any layer may say that a variable is sensitive. The whole declaration is hidden, for no node says where it ends.
    """
    declared = merged.section("variables")
    hidden = {name for name, node in declared.items() if isinstance(node, Mapping) and is_sensitive(node)}
    for layer in layers:
        section = layer.get("variables")
        if not isinstance(section, Mapping):
            continue
        for name in hidden:
            node = section.get(name)
            if isinstance(node, Mapping) and "default" in node.keys:
                _hide(section.keys[name], [*section.keys.values(), *layer.keys.values()])


def _hide(key: Scalar, others: Iterable[Scalar]) -> None:
    """Hide the lines from `key` to the next of the other keys of its file."""
    source, place = key.source, (key.line, key.column)
    after = [(other.line, other.column) for other in others if other.source is source]
    line, column = min((other for other in after if other > place), default=(len(source.lines) + 1, 1))
    last = line if source.lines[line - 1 : line] and source.lines[line - 1][: column - 1].strip() else line - 1
    source.hidden.update(range(key.line, max(key.line, last) + 1))
