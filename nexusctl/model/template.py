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
    """`defaults` is a partial sandbox in the language of the stack file; a sandbox's own keys win.

    One that stands for several has `sandboxes` and no image: each by its name, with references to parameters in it.
    `category` and `tags` are for lists only: no plan rests on them.
    """

    name: str
    description: str
    image: str
    manager: str | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    recipe: Recipe | None = None
    category: str = field(default="", compare=False, metadata={"recorded": False})
    tags: tuple[str, ...] = field(default=(), compare=False, metadata={"recorded": False})
    sandboxes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateCost:
    """What a template costs before it is of use, where its recipe makes the image; measured once.

    `size_mb` is the whole image with the template's own packages, in millions of bytes. `make_s` are the seconds from
    nothing, the images below included, and `more_s` those without them. `start_s` are the seconds of an apply that
    finds the image made. The machine had `cores` cores, and a `load` of so many processes, ours among them.
    """

    size_mb: int
    make_s: float
    more_s: float
    start_s: float
    cores: int
    load: float
