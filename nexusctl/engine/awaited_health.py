"""Which images have to bring a health check, because somebody waits for it and the stack file has none. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from nexusctl.model.engine_names import image_reference
from nexusctl.model.stack import Stack


def list_awaited(stack: Stack) -> Iterator[str]:
    """The references of images whose health check is the only one that a dependent can wait for."""
    awaited = {d.sandbox for s in stack.sandboxes.values() for d in s.depends_on if d.condition == "healthy"}
    for name in awaited:
        sandbox = stack.sandboxes.get(name)
        if sandbox and sandbox.health is None and sandbox.image_health:
            yield image_reference(sandbox.image)
