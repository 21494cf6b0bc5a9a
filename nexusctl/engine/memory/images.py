"""Images: there as soon as they are asked for, unless their registry does not answer."""

from __future__ import annotations

from nexusctl.engine.base import Report
from nexusctl.engine.cancel import Cancel
from nexusctl.engine.memory.world import World, make_image
from nexusctl.errors import EngineError, NotFound
from nexusctl.model.engine_names import image_reference
from nexusctl.model.plan.plan import BootstrapImage, DeriveImage


def pull_image(world: World, reference: str, report: Report, cancel: Cancel) -> None:
    world.note("pull_image", reference)
    _refuse_stopped(cancel)
    report(f"pulling {reference}")
    if image_reference(reference) in world.unreachable:
        raise EngineError(f"no registry answers for {reference}", status=500)
    _add(world, reference)


def remove_image(world: World, reference: str) -> None:
    world.note("remove_image", reference)
    with world.mutex:
        world.images.pop(image_reference(reference), None)


def bootstrap_image(world: World, step: BootstrapImage, report: Report, cancel: Cancel) -> None:
    world.note("bootstrap_image", step.tag)
    _refuse_stopped(cancel)
    report(f"making {step.tag}")
    _add(world, step.tag, step.base)


def derive_image(world: World, step: DeriveImage, report: Report, cancel: Cancel) -> None:
    world.note("derive_image", step.tag)
    _refuse_stopped(cancel)
    report(f"installing on {step.base}")
    _add(world, step.tag, step.base)


def _refuse_stopped(cancel: Cancel) -> None:
    if cancel.requested:
        raise EngineError("it was asked to stop")


def _add(world: World, reference: str, base: str = "") -> None:
    with world.mutex:
        if base and image_reference(base) not in world.images:
            raise NotFound(f"no such image: {base}", status=404)
        base_id = world.images[image_reference(base)].id if base else ""
        world.images[image_reference(reference)] = make_image(image_reference(reference), base_id)
        if brought := world.image_volumes.get(image_reference(base) if base else ""):
            world.image_volumes[image_reference(reference)] = brought
    world.cut("add_image", reference)
