"""Labels that a container has of its image alone: whoever makes an image says nothing of what runs here. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nexusctl.engine import labels

Listed = Mapping[str, Any]


def without_image_claims(containers: Iterable[Listed], images: Iterable[Listed]) -> list[Listed]:
    """The listed `containers`; those that claim nothing but what their image does have none of nexusctl's labels.

    An engine gives a container the labels of its image. Such an image is made by `docker commit` of a sandbox, or to
    deceive. A container that nexusctl makes of one has a birth of its own besides.
    """
    claims = {str(image["Id"]): found for image in images if labels.STACK in (found := _ours(image))}
    if not claims:
        return list(containers)
    return [_disclaim(entry) if claims.get(entry.get("ImageID", "")) == _ours(entry) else entry for entry in containers]


def _ours(entry: Listed) -> dict[str, str]:
    return {key: value for key, value in (entry.get("Labels") or {}).items() if key.startswith(labels.PREFIX)}


def _disclaim(entry: Listed) -> Listed:
    kept = {key: value for key, value in entry["Labels"].items() if not key.startswith(labels.PREFIX)}
    return {**entry, "Labels": kept}
