"""A template: an image, defaults for the sandboxes that use it, and a way to make the image without a registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to make a template's image from distribution packages.

    `base` names the template whose recipe comes first; where it is None, `suite` is debootstrapped.
    `apt` is installed, then `run` (a shell script) is run as root. The rest is the image's configuration.
    `digest` identifies the whole chain down to the suite and is part of the image's tag. `owner` is the template that
    it was written for, where another one extends that. Who did not write it here is lent no passwords: it is `built_in`
    where nexusctl itself brings it.
    """

    suite: str = ""
    base: str | None = None
    apt: tuple[str, ...] = ()
    run: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_dir: str = ""
    digest: str = ""
    owner: str | None = None
    built_in: bool = field(default=False, compare=False, metadata={"recorded": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """`defaults` is a partial sandbox in the language of the stack file; a sandbox's own keys win."""

    name: str
    description: str
    image: str
    manager: str | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    recipe: Recipe | None = None
