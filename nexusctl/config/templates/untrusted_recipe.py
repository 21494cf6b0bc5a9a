"""What a stranger's template cannot bring. Only loaded for one."""

from __future__ import annotations

from collections.abc import Iterable

from nexusctl.config.document.node import Mapping
from nexusctl.config.document.problems import Problems
from nexusctl.config.templates.builtin import FOLDER


def refuse_recipe(layers: Iterable[Mapping], problems: Problems) -> None:
    """Report a template that brings a script of its own, which is run as root where its image is made."""
    for layer in layers:
        if "bootstrap" in layer.values and layer.source.path.parent != FOLDER:
            place = layer.keys["bootstrap"]
            problems.add(place, "a stranger's template cannot bring a `bootstrap`", layer.source.trust.hint)
