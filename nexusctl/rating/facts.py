"""What is rated: gathered elsewhere, changed by nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from nexusctl.errors import Location
from nexusctl.model.stack import Sandbox
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReport:
    """What an engine says of itself, in its own words, which are not checked: `/info` and `/version`.

    `bridge` are the options of its own network, None where it has none. `encrypted` says that the way to it is.
    """

    url: str
    encrypted: bool = False
    info: Mapping[str, Any] = field(default_factory=dict)
    version: Mapping[str, Any] = field(default_factory=dict)
    bridge: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What an image says of those who run it; an empty `user` is root. `checked` says that it has a HEALTHCHECK."""

    user: str = ""
    checked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxFacts:
    """A sandbox of a file, with what neither it nor the file tells.

    `external` are the engine's names of its external networks. `opened` maps the targets of its binds that open this
    machine to the reason, `sockets` are those of them that lead to an engine's socket. `open_secrets` are the parts of
    it that look like secrets and stand in the file, such as `env.NAME`. `pinned` says that its image is held by a
    digest, here or in the lock file; `held` that its packages are. `image` is None where the engine has it not, or none
    was asked. `places` are where the file says something of it, by field; the empty field is the sandbox itself.
    """

    sandbox: Sandbox
    external: tuple[str, ...] = ()
    opened: Mapping[str, str] = field(default_factory=dict)
    sockets: tuple[str, ...] = ()
    open_secrets: tuple[str, ...] = ()
    pinned: bool = False
    held: bool = False
    image: ImageFacts | None = None
    places: Mapping[str, Location] = field(default_factory=dict)
