"""What the services of one Compose file share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from nexusctl.importers.draft.draft import Leftovers
from nexusctl.importers.draft.secret_references import Secrets
from nexusctl.model.observed.inspected_container import Project
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeContext:
    """What the services of one file share: names by Compose's names, and the folders of both files.

    `project` is what Compose calls them together, `stack` what the stack is called.

    `outer` are Compose's names of the networks that are not the stack's, `closed` the draft's of the internal ones.
    `tasks` are the services that others wait for to complete, `live` is what there is of the project. `optional` are
    the profiles of each service that has some, `profiles` those that were asked for. `templates` gathers those that are
    made.
    """

    project: str
    stack: str
    names: Mapping[str, str]
    networks: dict[str, str]
    volumes: dict[str, str]
    configs: dict[str, dict[str, str]]
    granted: dict[str, str]
    secrets: Secrets
    leftovers: Leftovers
    origin: Path
    target: Path
    tasks: frozenset[str] = field(default_factory=frozenset)
    live: Project = Project()
    outer: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    templates: dict[str, Any] = field(default_factory=dict)
    optional: Mapping[str, frozenset[str]] = field(default_factory=dict)
    profiles: frozenset[str] = frozenset()
