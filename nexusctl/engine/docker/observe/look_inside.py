"""What lies inside sandboxes where their records have put something: uploaded files, packages, and folders of the host.

A running sandbox is asked by one command that lists, stats and hashes; one that does not run, or whose image has no
such tools, by reading its archive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from posixpath import basename, dirname
from typing import Any

from nexusctl.engine.command import Outcome
from nexusctl.engine.docker.bodies.inspect import WORKERS
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import ROOT, ask
from nexusctl.engine.docker.files.digest_uploads import Survey, survey_archive, survey_running
from nexusctl.engine.docker.files.secret_files import find_lost
from nexusctl.engine.docker.files.upload import Accounts, read_accounts
from nexusctl.engine.docker.images.builder import MANAGER_TIMEOUT
from nexusctl.engine.docker.images.package_inventory import read_marks, read_packages, recall
from nexusctl.engine.docker.observe.mounted import ReadHost, find_displaced, read_host
from nexusctl.engine.threads import open_crew
from nexusctl.errors import Conflict, NotFound, StepError
from nexusctl.model.observed.live import Interior, LivePackages, LiveSandbox, LiveState
from nexusctl.model.stack import Sandbox
from nexusctl.model.values.frozen import dataclass
from nexusctl.packages import MANAGERS
from nexusctl.plan.compare.ignored_files import SELF_MADE

_ADDED = 1
"""The engine's number for a path that the image has not."""

Inspected = Mapping[str, Any]
FindMarks = Callable[[str], Mapping[str, str]]


def look_inside(wire: Wire, live: LiveState) -> LiveState:
    """`live` with the interior of its sandboxes, several at a time; those that have gone meanwhile are left out."""
    find_marks = lru_cache(maxsize=None)(lambda image_id: read_marks(wire, image_id))
    find_host = lru_cache(maxsize=None)(lambda: read_host(wire))
    with open_crew(WORKERS) as pool:
        found = pool.map(lambda sandbox: _look_inside(wire, sandbox, find_marks, find_host), live.sandboxes)
        return replace(live, sandboxes=tuple(sandbox for sandbox in found if sandbox))


def _look_inside(wire: Wire, sandbox: LiveSandbox, find_marks: FindMarks, find_host: ReadHost) -> LiveSandbox | None:
    record = sandbox.record
    if record is None or record.kind == "task" or not _has_interior(record):
        return sandbox
    try:
        try:
            return _look_at(wire, sandbox, record, find_marks, find_host)
        except Conflict:
            # What ended between two calls is read in another way.
            return _look_at(wire, sandbox, record, find_marks, find_host)
    except NotFound:
        return None


def _has_interior(record: Sandbox) -> bool:
    return bool(record.uploads or record.packages or record.secrets or _list_binds(record))


def _list_binds(record: Sandbox) -> list[str]:
    """The targets of its binds."""
    return [mount.target for mount in record.mounts if mount.kind == "bind"]


def _look_at(
    wire: Wire, sandbox: LiveSandbox, record: Sandbox, find_marks: FindMarks, find_host: ReadHost
) -> LiveSandbox:
    inspected = wire.get(f"/containers/{sandbox.id}/json")
    running = inspected["State"]["Status"] == "running"
    lost, cut_off = find_lost(wire, sandbox.id, record.secrets, running=running)
    if lost and not running:
        # Without the folder of its secrets the engine shows nothing of a stopped one; its start puts them back.
        return sandbox
    interior = _read_uploads(wire, inspected, record) if record.uploads else Interior()
    if running:
        packages = _read_packages(wire, inspected, sandbox, find_marks(inspected["Image"]))
        interior = replace(interior, packages=packages)
    alive = running or inspected["State"]["Status"] == "paused"
    displaced = find_displaced(wire, inspected, _list_binds(record), find_host) if alive else {}
    return replace(sandbox, interior=replace(interior, lost_secrets=lost, cut_off=cut_off, displaced=displaced))


def _read_packages(
    wire: Wire, inspected: Inspected, sandbox: LiveSandbox, marks: Mapping[str, str]
) -> dict[str, LivePackages]:
    def ask_manager(command: tuple[str, ...], env: Mapping[str, str]) -> Outcome:
        folder = inspected["Config"]["WorkingDir"] or "/"
        return ask(wire, inspected["Id"], command, env=env, working_dir=folder, timeout=MANAGER_TIMEOUT)

    return {
        chosen.manager: read_packages(ask_manager, chosen, recall(chosen.manager, marks, sandbox.package_facts))
        for chosen in (sandbox.record.packages if sandbox.record else ())
    }


def _read_uploads(wire: Wire, inspected: Inspected, record: Sandbox) -> Interior:
    found = None
    if inspected["State"]["Status"] == "running":
        found = survey_running(wire, inspected["Id"], record.uploads)
    if found is None:
        found = survey_archive(wire, inspected["Id"], record.uploads)
    return Interior(
        files=found.files,
        added=_find_added(wire, inspected, record, found),
        owners=_read_owners(wire, inspected, record, found),
    )


def _read_owners(wire: Wire, inspected: Inspected, record: Sandbox, found: Survey) -> dict[str, str]:
    """Owners whose names the sandbox does not know any more are left out."""
    tables = found.accounts
    accounts = Accounts(tables.get) if tables else read_accounts(wire, inspected["Id"])
    owners = {}
    for owner in {upload.owner or "" for upload in record.uploads}:
        try:
            uid, gid = accounts.resolve(owner or inspected["Config"]["User"] or ROOT)
        except StepError:
            continue
        owners[owner] = f"{uid}:{gid}"
    return owners


@dataclass(frozen=True, slots=True, kw_only=True)
class _Borders:
    """Paths that others than the uploads are responsible for."""

    mounts: frozenset[str]
    above: frozenset[str]
    written: frozenset[str]

    def allow(self, path: str) -> bool:
        """Whether something at `path` would be an addition to the folder that it lies in."""
        if path in self.mounts or path in self.above or basename(path) in SELF_MADE:
            return False
        return path not in self.written


def _find_added(wire: Wire, inspected: Inspected, record: Sandbox, found: Survey) -> dict[str, str]:
    """What lies directly in uploaded folders, and came neither with the uploads nor with the image.

    A folder that the image has itself (such as a home) is everybody's, unless the package managers made it there.
    """
    borders = _draw_borders(inspected, record)
    candidates = {path: kind for path, kind in found.beside.items() if borders.allow(path)}
    if not candidates:
        return {}
    changes = wire.get(f"/containers/{inspected['Id']}/changes") or []
    born = {entry["Path"] for entry in changes if entry["Kind"] == _ADDED}
    work = inspected["Config"]["WorkingDir"] if record.packages else ""
    return {
        path: kind
        for path, kind in sorted(candidates.items())
        if path in born and (dirname(path) in born or (work and f"{dirname(path)}/".startswith(f"{work}/")))
    }


def _draw_borders(inspected: Inspected, record: Sandbox) -> _Borders:
    mounts = {str(mount["Destination"]) for mount in inspected.get("Mounts") or ()}
    mounts |= set(inspected["HostConfig"].get("Tmpfs") or ())
    above = {parent for path in (*mounts, *(u.target for u in record.uploads)) for parent in _parents(path)}
    folder = (inspected["Config"]["WorkingDir"] or "/").rstrip("/")
    return _Borders(
        mounts=frozenset(mounts),
        above=frozenset(above),
        written=frozenset(f"{folder}/{name}" for chosen in record.packages for name in MANAGERS[chosen.manager].writes),
    )


def _parents(path: str) -> Iterable[str]:
    while (path := dirname(path)) != "/":
        yield path
