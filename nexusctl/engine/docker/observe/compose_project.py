"""What Docker Compose made for a project, told by its labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects.ownership import is_free
from nexusctl.engine.docker.objects.read_body import inspect
from nexusctl.engine.docker.observe.adopted import leave_out_claimed
from nexusctl.model.observed.inspected_container import InspectedContainer, Project

Listed = Mapping[str, Any]

_PREFIX = "com.docker.compose."
_STATES = ("running", "exited", "paused")


def find_project(wire: Wire, name: str, stack: str) -> Project:
    """The containers, networks and volumes of the project `name`; those of `docker compose run` are left out.

    What the stack `stack` has taken over is still in it: its taking over may not have come to its end.
    """
    query = {"all": True, "filters": {"label": [f"{_PREFIX}project={name}"]}}
    volumes = wire.get("/volumes")["Volumes"] or ()
    found = [
        entry
        for entry in leave_out_claimed(wire.get("/containers/json", query), volumes, but_by=stack)
        if is_free(entry) and entry["State"] in _STATES and _label(entry, "oneoff") != "True"
    ]
    services: dict[str, list[InspectedContainer]] = {}
    for entry in sorted(found, key=lambda entry: labels.read_number(_label(entry, "container-number") or "1")):
        services.setdefault(_label(entry, "service"), []).append(inspect(wire, entry["Id"]))
    return Project(
        services={service: tuple(portraits) for service, portraits in services.items()},
        networks=_by_key(wire.get("/networks"), name, "network"),
        volumes=_by_key(volumes, name, "volume"),
    )


def _by_key(entries: Iterable[Listed], project: str, kind: str) -> dict[str, str]:
    own = [entry for entry in entries if _label(entry, "project") == project and _label(entry, kind)]
    return {_label(entry, kind): entry["Name"] for entry in sorted(own, key=lambda entry: str(entry["Name"]))}


def _label(entry: Listed, name: str) -> str:
    return str((entry["Labels"] or {}).get(_PREFIX + name, ""))
