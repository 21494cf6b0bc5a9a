"""What only the user's passwords open, brought into a live sandbox that does not get them.

It is fetched in a builder, from the sandbox's image, and carried over: what npm would fetch as a cache of npm's, what
pip would as a folder of archives.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from nexusctl.engine.base import Report
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.images.builder import Builder, open_builder
from nexusctl.engine.docker.images.host_trust import HostTrust
from nexusctl.engine.docker.images.install import fetch
from nexusctl.model.uploads_and_packages import PackageSet
from nexusctl.model.values.frozen import dataclass
from nexusctl.packages import MANAGERS

_ROOM = "/tmp/fetched"
_FOLDER = "/tmp/work"
_CARRIED = "fetched"
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriage:
    """From `builder` to the folder `room` of the container `target`."""

    builder: Builder
    target: str
    room: str

    def bring(self, chosen: PackageSet, report: Report) -> dict[str, str]:
        """Carry over what `chosen` needs; returns the variables by which its manager finds that.

        Raises `StepError` with the manager's last lines, `EngineError`.
        """
        fetch(self.builder, chosen, _FOLDER, report, room=_ROOM)
        wire = self.builder.wire
        with wire.open("GET", f"/containers/{self.builder.id}/archive", {"path": _ROOM}) as answer:
            archive = iter(lambda: answer.read(_CHUNK), b"")
            place = f"/containers/{self.target}/archive"
            wire.open("PUT", place, {"path": self.room}, archive, content_type="application/x-tar").close()
        return MANAGERS[chosen.manager].carried(f"{self.room}/{_CARRIED}")


@contextmanager
def open_carriage(wire: Wire, image: str, trust: HostTrust, target: str, room: str) -> Iterator[Carriage | None]:
    """A way for packages while inside; None where nothing is secret, and the sandbox can fetch them itself."""
    if not trust.secret:
        yield None
        return
    with open_builder(wire, image, trust) as builder:
        yield Carriage(builder=builder, target=target, room=room)


def all_of(wanted: PackageSet, changed: PackageSet) -> PackageSet:
    """What a change of `changed` may look for: these, and what else of `wanted` has to go with them."""
    if changed.lock_name:
        return replace(wanted, packages=())
    names = {package.name for package in changed.packages}
    rest = (package for package in wanted.packages if package.name not in names)
    return replace(wanted, packages=(*changed.packages, *rest), lock_name="", lock_files=())
