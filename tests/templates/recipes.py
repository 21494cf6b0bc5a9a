"""Images of the built-in templates by their recipes, made once on a machine: their tags change with the recipes."""

from __future__ import annotations

from nexusctl.config.load import load_template
from nexusctl.engine.docker.image import bootstrap_image
from nexusctl.engine.docker.wire import Wire
from nexusctl.model.names import recipe_tag
from nexusctl.model.plan import BootstrapImage


def make_image(wire: Wire, name: str) -> str:
    """The tag of the template's image, after those that it is made from."""
    template = load_template(name)
    assert template.recipe is not None
    base = make_image(wire, template.recipe.base) if template.recipe.base else ""
    tag = recipe_tag(template)
    bootstrap_image(wire, BootstrapImage(id=name, subject=name, template=template, tag=tag, base=base), print)
    return tag
