"""What is live of a Compose project, beside the sandboxes that its services become."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from nexusctl.importers.draft.draft import Leftovers
from nexusctl.model.observed.inspected_container import InspectedContainer, Project


def match_containers(
    live: Project, names: Mapping[str, str], sandboxes: Mapping[str, Any], leftovers: Leftovers
) -> dict[str, str]:
    """The id of the container of each sandbox that has one. Those that no sandbox is for are left over.

    `names` maps services to sandboxes.
    """
    found: dict[str, str] = {}
    for service, portraits in sorted(live.services.items()):
        members = _members(names[service], sandboxes[names[service]]) if service in names else []
        found.update({name: portrait.id for name, portrait in zip(members, portraits, strict=False)})
        for portrait in portraits[len(members) :]:
            leftovers.add(f"container {portrait.name}", "no service of the file is for it, so it is left as it is")
    return found


def leave_as_it_is(
    sandbox: dict[str, Any], portraits: tuple[InspectedContainer, ...], ignored: Collection[str]
) -> dict[str, Any] | None:
    """What to leave as it is: what is `ignored`, and where there is no limit on processes that."""
    own = {path for portrait in portraits for path in portrait.sandbox.lifecycle.ignore}
    if "pids" in (sandbox.get("resources") or {}):
        own = set()
    return {"ignore": sorted({*own, *ignored})} if own or ignored else None


def _members(name: str, sandbox: Mapping[str, Any]) -> list[str]:
    count = sandbox.get("replicas")
    return [f"{name}-{number + 1}" for number in range(count)] if isinstance(count, int) else [name]
