"""Whose volumes are: by what is written of them, and of those without a label by who mounts them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nexusctl.engine.memory.world import MemoryContainer, World
from nexusctl.model.engine_names import is_volume_name, volume_name
from nexusctl.model.observed.live import LiveVolume
from nexusctl.model.plan.plan import Placement
from nexusctl.model.stack import Sandbox, Stack, Volume

NOBODY = ""


def list_volumes(world: World, stack: Stack) -> tuple[LiveVolume, ...]:
    """The stack's, with those that lost their labels and only its containers have."""
    own = tuple(volume for owner, volume in world.volumes.values() if owner == stack.name)
    return (*own, *_find_loose(world, stack))


def describe_taken(world: World, stack: Stack) -> dict[str, str]:
    """The names of volumes that `stack` would use and others have, each with a phrase that says whose it is."""
    own = {volume.name for volume in list_volumes(world, stack)}
    wanted = {volume_name(stack.name, name) for name in stack.volumes} - own
    return {
        name: f"a volume of the stack {owner}" if owner else "a volume without nexusctl's labels"
        for name, (owner, _) in world.volumes.items()
        if name in wanted
    }


def make_anew(world: World, stack: str, sandbox: Sandbox, placement: Placement) -> None:
    """What is not there any more comes with the container that names it."""
    for name, called in _list_own(stack, sandbox, placement).items():
        declared = placement.declared.get(name) or Volume(name=name)
        made = LiveVolume(
            name=called,
            volume=name,
            driver=declared.driver,
            driver_opts=declared.driver_opts,
            labels=declared.labels,
        )
        world.volumes.setdefault(called, (stack, made))


def _find_loose(world: World, stack: Stack) -> Iterator[LiveVolume]:
    for container in world.containers.values():
        if container.stack != stack.name:
            continue
        for name, called in _list_own(stack.name, container.sandbox, container.placement).items():
            owner, volume = world.volumes.get(called, (stack.name, None))
            declared = stack.volumes.get(name)
            if owner == NOBODY and volume and declared and not declared.external and not _shared(world, stack, called):
                yield replace(volume, volume=name, loose=True)


def _shared(world: World, stack: Stack, called: str) -> bool:
    return any(called in _mounted(c) for c in world.containers.values() if c.stack != stack.name)


def _mounted(container: MemoryContainer) -> set[str]:
    named = {m.source for m in container.sandbox.mounts if m.kind == "volume"}
    return {container.placement.volumes.get(name, name) for name in named} | {*container.anonymous.values()}


def _list_own(stack: str, sandbox: Sandbox, placement: Placement) -> dict[str, str]:
    """The volumes of the file that were the stack's when a container was made, with what they are called."""
    named = {mount.source for mount in sandbox.mounts if mount.kind == "volume"} - placement.external
    called = {name: placement.volumes.get(name, name) for name in sorted(named)}
    return {name: name_there for name, name_there in called.items() if is_volume_name(stack, name, name_there)}
