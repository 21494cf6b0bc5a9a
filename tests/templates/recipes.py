"""Images of the built-in templates by their recipes, made once on a machine: their tags change with the recipes."""

from __future__ import annotations

from nexusctl.config.load import load_template
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.images.images import bootstrap_image
from nexusctl.model.engine_names import recipe_tag
from nexusctl.model.plan.plan import BootstrapImage
from tests.alone import alone

COMMON = ("base", "node", "postgres", "python", "react")
"""The templates that most tests use; `make templates` tries all."""


def make_image(wire: Wire, name: str) -> str:
    """The tag of the template's image, after those that it is made from; nobody else makes one meanwhile."""
    with alone("template-images"):
        return _make_image(wire, name)


def _make_image(wire: Wire, name: str) -> str:
    template = load_template(name)
    assert template.recipe is not None
    base = _make_image(wire, template.recipe.base) if template.recipe.base else ""
    tag = recipe_tag(template)
    bootstrap_image(wire, BootstrapImage(id=name, subject=name, template=template, tag=tag, base=base), print)
    return tag
