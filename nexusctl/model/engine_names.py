"""The names that objects get on the engine.

Names in a stack file have no underscore, so the one between stack and object can be told apart:
stack `a-b` with sandbox `c` and stack `a` with sandbox `b-c` do not meet.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Container
from typing import TYPE_CHECKING, Any

from nexusctl.model.values.checksum import sha256

if TYPE_CHECKING:
    from nexusctl.model.template import Template
    from nexusctl.model.uploads_and_packages import PackageSet

ENVIRONMENT = "nexusctl/env:"

RESOLUTION = "nexusctl/lock:"
"""Begins the tag of an image that only a lock needs."""

REAPER = "nexusctl-reaper"
"""The stack of the one container of an engine that ends what has lived its time."""


def container_name(stack: str, sandbox: str) -> str:
    return f"{stack}_{sandbox}"


def network_name(stack: str, network: str) -> str:
    return f"{stack}_{network}"


def volume_name(stack: str, volume: str) -> str:
    return f"{stack}_{volume}"


def numbered_volume_name(stack: str, volume: str, number: int) -> str:
    """What one is called that takes the place of another; no volume of a file has a dot in its name."""
    return f"{volume_name(stack, volume)}.{number}"


def is_volume_name(stack: str, volume: str, name: str) -> bool:
    """Whether it is what nexusctl calls that volume of the stack's file, the first one or one that took its place."""
    return bool(re.fullmatch(re.escape(volume_name(stack, volume)) + r"(?:\.[0-9]+)?", name))


def anonymous_volume(sandbox: str, target: str) -> str:
    """What a sandbox's own volume at `target` is called beside the volumes of the file, whose names have no colon."""
    return f"{sandbox}:{target}"


def anonymous_volume_name(stack: str, sandbox: str, target: str, others: Container[str] = ()) -> str:
    """What the engine calls it where nexusctl makes it; others, and older versions, leave the name to the engine.

    A sandbox that was called so before may have taken the name along: then it is among those of `others`.
    """
    name = f"{container_name(stack, sandbox)}_{sha256(target.encode())[:12]}"
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    return name if name not in others else next(free for free in numbered if free not in others)


def lock_name(stack: str) -> str:
    return f"nexusctl_lock_{stack}"


_RUN = "_run"


def run_lock(stack: str) -> str:
    """What a run of `stack` locks from its begin to its end, beside the lock of each change; no stack is called so."""
    return f"{stack}{_RUN}"


def without_run(name: str) -> str:
    """The stack that `run_lock` has made `name` of, or `name` itself."""
    return name.removesuffix(_RUN)


def recipe_tag(template: Template) -> str:
    """The tag of the image that a template's recipe makes; changes with anything in the recipe's chain."""
    assert template.recipe is not None
    return f"nexusctl/{template.recipe.owner or template.name}:{template.recipe.digest[:12]}"


def environment_tag(base: str, packages: tuple[PackageSet, ...], working_dir: str | None) -> str:
    """The tag of the image that holds `packages` on top of the image `base`."""
    # Few sandboxes have packages.
    from nexusctl.model.record import canonical, plain  # noqa: PLC0415 - deferred: start-up time

    inputs: Any = [base, plain(packages), working_dir or ""]
    return f"{ENVIRONMENT}{sha256(canonical(inputs).encode())[:16]}"


def is_environment(reference: str) -> bool:
    """Whether it is an `environment_tag`, of whatever base and packages."""
    return reference.startswith(ENVIRONMENT)


def image_reference(reference: str) -> str:
    """`reference` with the tag that the engine assumes where none is written."""
    last = reference.rpartition("/")[2]
    return reference if ":" in last or "@" in last else f"{reference}:latest"


def incoming_name(name: str) -> str:
    """What the container is called that is to take the place of the one called `name`."""
    return f"{name}_new"


def outgoing_name(name: str) -> str:
    """What the container called `name` is called once another one has taken its place."""
    return f"{name}_old"


def is_outgoing(name: str) -> bool:
    """Whether a container that is called so has given its place up."""
    return name.endswith("_old")


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sorting key that puts `agent-2` before `agent-10`."""
    parts = re.split(r"(\d+)", name)
    # By their lengths, because nobody says how many digits a name may have.
    numbers = (part.lstrip("0") if part.isdecimal() else None for part in parts)
    return tuple((1, 0, part) if n is None else (0, len(n), n) for part, n in zip(parts, numbers, strict=True))


NO_NETWORKS = ("default", "host", "none")
"""Words by which an engine means something else than a network that sandboxes could share."""
