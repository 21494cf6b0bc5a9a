"""One sandbox that runs, found without a look at its stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.image_labels import without_image_claims
from nexusctl.engine.docker.bodies.list_status import is_fresh, list_names
from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound
from nexusctl.model.engine_names import container_name
from nexusctl.model.observed.running_sandbox import RunningSandbox


def find_running(wire: Wire, stack: str, name: str) -> RunningSandbox | None:
    """See `Engine.find_running`.

    Whatever could mean anything else is left to a look at the whole: several containers with its labels, of which some
    are copies; another name than the one that nexusctl gives last; one that was moved, taken over, or not finished.
    """
    wanted = {"label": [f"{labels.STACK}={stack}", f"{labels.SANDBOX}={name}", f"{labels.ROLE}=sandbox"]}
    listed = wire.get("/containers/json", {"all": True, "filters": wanted})
    if len(listed) != 1 or listed[0]["State"] != "running":
        return None
    final = container_name(stack, name)
    (entry,) = listed
    # Links give it more names, each with a slash.
    own = [found for found in list_names(entry) if "/" not in found]
    if own != [final] or entry["Labels"].get(labels.BIRTH_NAME) == final:
        return None
    if _is_claimed_by_image(wire, entry) or (is_fresh(entry["Status"]) and _was_restarted(wire, entry["Id"])):
        return None
    return RunningSandbox(id=entry["Id"], sandbox=name)


def _is_claimed_by_image(wire: Wire, entry: Mapping[str, Any]) -> bool:
    """Whether it has its labels of its image alone, as `docker run` of a sandbox's `docker commit` has."""
    try:
        config = wire.get(f"/images/{entry['ImageID']}/json").get("Config") or {}
    except NotFound:
        # It was removed by force, and a look at all would not find it either.
        return False
    image = {"Id": entry["ImageID"], "Labels": config.get("Labels") or {}}
    (honest,) = without_image_claims([entry], [image])
    return labels.STACK not in honest["Labels"]


def _was_restarted(wire: Wire, container_id: str) -> bool:
    """Whether it may be one that ends again and again, see `crash_loops.py`."""
    try:
        return bool(wire.get(f"/containers/{container_id}/json").get("RestartCount"))
    except NotFound:
        return True
