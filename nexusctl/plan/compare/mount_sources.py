"""Volumes and folders as containers mount them: which of them two containers cannot have at once. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from nexusctl.model.engine_names import volume_name
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.plan.plan import Difference
from nexusctl.model.stack import Mount, Sandbox
from nexusctl.model.values.frozen import dataclass

W = TypeVar("W")


@dataclass(frozen=True, slots=True, kw_only=True)
class MountSource:
    """What lies under a mount: a volume by the engine's name, or a folder of the host by where it lies.

    `called` is what the stack file calls it.
    """

    kind: str
    key: str
    called: str
    read_only: bool = False

    @property
    def words(self) -> str:
        return f"{'volume' if self.kind == 'volume' else 'folder'} {self.called}"


def desired_sources(mounts: Iterable[Mount], stack: str, volumes: Mapping[str, str]) -> tuple[MountSource, ...]:
    """What `mounts` mean, without what a sandbox has for itself.

    `volumes` maps the volumes of the file to what the engine calls them.
    """
    return tuple(
        _source(mount, volumes.get(mount.source) or volume_name(stack, mount.source))
        for mount in mounts
        if mount.kind != "anonymous"
    )


def live_sources(live: LiveSandbox, stack: str, volumes: Mapping[str, str]) -> tuple[MountSource, ...]:
    """What a container mounts. The engine knows best what that is; where no record says more, it may write to each."""
    if live.record is None:
        return tuple(MountSource(kind="volume", key=name, called=name) for _, name in sorted(live.volumes.items()))
    known = {mount.source: live.volumes.get(mount.target, "") for mount in live.record.mounts}
    mounts = [replace(mount, real=live.binds.get(mount.target, "")) for mount in live.record.mounts]
    return desired_sources(mounts, stack, {**volumes, **{key: name for key, name in known.items() if name}})


def _source(mount: Mount, volume: str) -> MountSource:
    # Two slashes in front would stay two.
    folder = mount.real or mount.source
    key = volume if mount.kind == "volume" else posixpath.normpath(f"/{folder.lstrip('/')}")
    return MountSource(kind=mount.kind, key=key, called=mount.source, read_only=mount.read_only)


def clashes(one: MountSource, other: MountSource) -> bool:
    """Whether one container may write where the other one reads or writes: folders also lie in each other."""
    return not (one.read_only and other.read_only) and _overlaps(one, other)


def covers(staying: Iterable[MountSource], given_up: MountSource, taken: MountSource) -> bool:
    """Whether somebody whose container goes keeps in the next one what `given_up` let it do where `taken` lies."""
    return any(_overlaps(kept, taken) and (given_up.read_only or not kept.read_only) for kept in staying)


def _overlaps(one: MountSource, other: MountSource) -> bool:
    if one.kind != other.kind:
        return False
    if one.kind == "volume":
        return one.key == other.key
    return one.key == other.key or _lies_in(one.key, other.key) or _lies_in(other.key, one.key)


def _lies_in(path: str, folder: str) -> bool:
    return path.startswith(f"{folder.rstrip('/')}/")


class Users(Generic[W]):
    """Who has which source, found without looking at everybody."""

    def __init__(self, pairs: Iterable[tuple[MountSource, W]]) -> None:
        self._at: dict[tuple[str, str], list[tuple[MountSource, W]]] = {}
        self._below: dict[str, list[tuple[MountSource, W]]] = {}
        for source, user in pairs:
            self._at.setdefault((source.kind, source.key), []).append((source, user))
            if source.kind == "bind":
                for folder in _folders_above(source.key):
                    self._below.setdefault(folder, []).append((source, user))

    def clashing(self, wanted: MountSource) -> Iterator[tuple[MountSource, W]]:
        """Those with whom somebody who has `wanted` clashes, with what they have."""
        found = list(self._at.get((wanted.kind, wanted.key), ()))
        if wanted.kind == "bind":
            found += self._below.get(wanted.key, ())
            found += (pair for folder in _folders_above(wanted.key) for pair in self._at.get(("bind", folder), ()))
        yield from (pair for pair in found if clashes(pair[0], wanted))


def _folders_above(path: str) -> Iterator[str]:
    while path != "/":
        path = posixpath.dirname(path)
        yield path


def find_other_volumes(holder: LiveSandbox, sandbox: Sandbox, volumes: Mapping[str, str]) -> Iterator[Difference]:
    """Mounts of one name in the file that mean another volume of the engine by now."""
    recorded = set(holder.record.mounts if holder.record else ())
    for mount in sandbox.mounts:
        before, after = holder.volumes.get(mount.target), volumes.get(mount.source)
        if mount.kind == "volume" and mount in recorded and before and after and before != after:
            yield Difference(field=f"volumes.{mount.target}", before=f"volume {before}", after=f"volume {after}")
