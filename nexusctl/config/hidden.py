"""Lines that no message may show, because the default of a sensitive variable stands there."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

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
        keys = [*section.keys.values(), *layer.keys.values()]
        places = sorted((key.line, key.column) for key in keys if key.source is layer.source)
        for name in hidden & section.keys.keys():
            node = section.get(name)
            if isinstance(node, Mapping) and "default" in node.keys:
                _hide(section.keys[name], places)


def _hide(key: Scalar, places: Sequence[tuple[int, int]]) -> None:
    """Hide the lines from `key` to the next of the `places` of its file, which are in order."""
    source, after = key.source, bisect_right(places, (key.line, key.column))
    line, column = places[after] if after < len(places) else (len(source.lines) + 1, 1)
    last = line if source.lines[line - 1 : line] and source.lines[line - 1][: column - 1].strip() else line - 1
    source.hidden.update(range(key.line, max(key.line, last) + 1))
