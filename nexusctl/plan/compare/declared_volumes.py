"""Which volume of the engine's serves each one of the file: none can change, so another one takes its place. Pure."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

from nexusctl.model.engine_names import numbered_volume_name, volume_name
from nexusctl.model.observed.live import LiveState, LiveVolume
from nexusctl.model.stack import LOCAL, Stack, Volume


def engine_volumes(stack: Stack, live: LiveState) -> dict[str, str]:
    """What the engine calls each volume of the file, or is to call it."""
    mounted = Counter(name for found in live.sandboxes for name in found.volumes.values())
    return {
        name: volume.external or _choose(stack.name, volume, live, mounted) for name, volume in stack.volumes.items()
    }


def _choose(stack: str, desired: Volume, live: LiveState, mounted: Counter[str]) -> str:
    """The one that most containers have of those that are as the file says, else a name that is free."""
    called = volume_name(stack, desired.name)
    own = [found for found in live.volumes if found.volume == desired.name]
    fitting = [found.name for found in own if desired.shared or next(compare_volume(found, desired), None) is None]
    if fitting:
        return min(fitting, key=lambda name: (name not in mounted, -mounted[name], name != called, name))
    used = {*(found.name for found in live.volumes), *(live.taken.get("volume", {}) if own else ())}
    names = itertools.chain([called], (numbered_volume_name(stack, desired.name, n) for n in itertools.count(2)))
    return next(name for name in names if name not in used)


def compare_volume(found: LiveVolume, desired: Volume) -> Iterator[tuple[str, str, str]]:
    """Field, what is live and what the file says. Whoever made one that was taken over may have said more of it."""
    if found.driver != desired.driver and not (found.adopted and desired.driver == LOCAL):
        yield "driver", found.driver, desired.driver
    for field in ("driver_opts", "labels"):
        before, after = getattr(found, field), getattr(desired, field)
        for key in sorted(after.keys() if found.adopted else before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                yield f"{field}.{key}", before.get(key) or "(none)", after.get(key) or "(none)"


def volumes_in_use(live: LiveState) -> dict[str, LiveVolume]:
    """The volumes of the file, by what that calls them; of several those that containers have."""
    mounted = {name for found in live.sandboxes for name in found.volumes.values()}
    ordered = sorted(live.volumes, key=lambda found: (found.name in mounted, found.name))
    return {found.volume: found for found in ordered}
