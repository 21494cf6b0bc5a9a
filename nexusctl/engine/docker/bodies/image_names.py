"""Image references: the same image goes by several names. Pure."""

from __future__ import annotations

from nexusctl.model.engine_names import image_reference

HUB = "docker.io"


def registry_of(reference: str) -> str:
    """The registry that an image comes from."""
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else HUB


def familiar(reference: str) -> str:
    """The short form that the engine lists images by: `docker.io/library/node` is `node:latest`."""
    for prefix in (f"{HUB}/library/", f"{HUB}/"):
        if reference.startswith(prefix):
            reference = reference.removeprefix(prefix)
            break
    return image_reference(reference)
