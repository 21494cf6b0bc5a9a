"""Of which images somebody has to know where they have volumes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from nexusctl.model.engine_names import image_reference
from nexusctl.model.observed.live import LiveImage, LiveSandbox, LiveVolume
from nexusctl.model.stack import Sandbox, Stack


def list_declaring(
    stack: Stack, sandboxes: Iterable[LiveSandbox], volumes: Iterable[LiveVolume], images: Mapping[str, LiveImage]
) -> Iterator[str]:
    """The references of `images` that a sandbox gets, or gets otherwise than it was made, beside volumes of its own."""
    if not any(volume.sandbox for volume in volumes):
        return
    by_name = {found.sandbox: found for found in sandboxes}
    for name, sandbox in stack.sandboxes.items():
        reference = image_reference(sandbox.image)
        if reference in images and not _is_like(by_name.get(name), sandbox, images[reference], images):
            yield reference


def _is_like(live: LiveSandbox | None, sandbox: Sandbox, image: LiveImage, images: Mapping[str, LiveImage]) -> bool:
    """Whether it has those mounts and is from that image, or from one with packages that was made of it."""
    if live is None or live.record is None or live.record.mounts != sandbox.mounts:
        return False
    return live.image_id == image.id or any(
        other.id == live.image_id and other.base_id == image.id for other in images.values()
    )
