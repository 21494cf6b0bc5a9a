"""What the built-in templates cost, from the file that the measuring writes. Only loaded for lists and pages."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from nexusctl.config.templates.builtin import FOLDER
from nexusctl.config.templates.template import read_built_in
from nexusctl.model.record import canonical
from nexusctl.model.template import Template, TemplateCost
from nexusctl.model.values.checksum import sha256

FILE = FOLDER / "measured.json"
"""By template: seconds, millions of bytes, and the `fingerprint` of what was measured; and on which machine."""


def fingerprint(template: Template) -> str:
    """Of all that a template's image is made of: figures of another one say nothing."""
    digest = template.recipe.digest if template.recipe else ""
    return sha256(canonical([digest, template.defaults.get("packages")]).encode())[:12]


def find_cost(template: Template) -> TemplateCost | None:
    """What was measured of a template as it is now, None where nothing was."""
    figures = _read()["templates"]
    found = figures.get(template.name)
    if found is None or found["of"] != fingerprint(template):
        return None
    below, make = found["below"], found["recipe_s"] + found["packages_s"]
    while below:
        under = figures.get(below)
        if under is None or under["of"] != fingerprint(read_built_in(below).template):
            return None
        make += under["recipe_s"]
        below = under["below"]
    return TemplateCost(
        size_mb=found["size_mb"],
        make_s=round(make, 1),
        more_s=round(found["recipe_s"] + found["packages_s"], 1),
        start_s=found["start_s"],
        cores=_read()["machine"]["cores"],
        load=found["load"],
    )


@cache
def _read() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_bytes())
    return found
