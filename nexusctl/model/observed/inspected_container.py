"""What somebody else has made, as the sandboxes that would make it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from nexusctl.model.stack import Sandbox
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedContainer:
    """A container of somebody else's as the sandbox that would make one like it.

    In `sandbox` volumes and networks bear the engine's names. `remarks` are settings that a sandbox has no place for,
    each with a word on it.
    """

    id: str
    name: str
    sandbox: Sandbox
    remarks: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What there is of a Compose project, by the words of its file: the containers of each service, in their order,
    and what the engine calls its networks and volumes.
    """

    services: Mapping[str, tuple[InspectedContainer, ...]] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
