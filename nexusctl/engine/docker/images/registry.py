"""Which missing images are out of reach: asked only of registries that an image is missing from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nexusctl.engine.docker.bodies.image_names import registry_of
from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import EngineError
from nexusctl.model.engine_names import image_reference, recipe_tag
from nexusctl.model.observed.live import LiveImage
from nexusctl.model.stack import Sandbox, Stack

TIMEOUT = 5.0
"""Seconds that a registry has to answer."""


def find_unreachable(wire: Wire, stack: Stack, images: Mapping[str, LiveImage]) -> frozenset[str]:
    """The base images that are missing here and whose registry does not answer the engine.

    One question a registry is enough: what an image's own absence would be answered with is an answer, too.
    """
    by_registry: dict[str, set[str]] = {}
    for reference in find_missing(stack, images):
        by_registry.setdefault(registry_of(reference), set()).add(reference)
    if not by_registry:
        return frozenset()
    # A plan whose images are all here needs no threads.
    from nexusctl.engine.threads import open_crew  # noqa: PLC0415 - deferred: start-up time

    samples = [min(references) for references in by_registry.values()]
    with open_crew(min(8, len(samples))) as pool:
        answers = list(pool.map(lambda sample: is_answered(wire, sample), samples))
    return frozenset(
        reference
        for answered, references in zip(answers, by_registry.values(), strict=True)
        if not answered
        for reference in references
    )


def find_missing(stack: Stack, images: Mapping[str, LiveImage]) -> Iterator[str]:
    """The references of base images that neither themselves, nor as a recipe's image are here."""
    for sandbox in stack.sandboxes.values():
        candidates = {image_reference(sandbox.image), *_recipe_tags(sandbox, stack)}
        if candidates.isdisjoint(images):
            yield image_reference(sandbox.image)


def is_answered(wire: Wire, reference: str) -> bool:
    """Whether the registry of `reference` gives the engine any answer, a refusal included."""
    try:
        wire.call("GET", f"/distribution/{reference}/json", timeout=TIMEOUT)
    except EngineError as error:
        # The engine reports a registry that refuses as 401, 403 or 404, and one that is not there as its own failure.
        return 400 <= error.status < 500
    return True


def _recipe_tags(sandbox: Sandbox, stack: Stack) -> Iterator[str]:
    template = stack.templates.get(sandbox.template or "")
    if template is not None and template.recipe is not None:
        yield recipe_tag(template)
