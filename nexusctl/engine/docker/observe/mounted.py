"""What is really mounted where a sandbox has folders of its engine's host.

The engine keeps the path of a bind, and follows it anew at every start. What came to be mounted only the kernel tells,
in a table of mounts (proc_pid_mountinfo(5)): of each a device, and the path within the file system on that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import Unanswered, ask
from nexusctl.engine.docker.host.machine_facts import read_listener
from nexusctl.engine.docker.objects.subnets import is_local
from nexusctl.errors import Conflict, EngineError
from nexusctl.model.values.frozen import dataclass
from nexusctl.model.values.links import follow_links

_LONGEST = 4 * 1024**2
"""Bytes of a table that are read."""

_DELETED = "//deleted"
"""What the kernel puts behind the path of something that nobody can find any more."""

_OWN = {"HostsPath": "/etc/hosts", "HostnamePath": "/etc/hostname", "ResolvConfPath": "/etc/resolv.conf"}
"""What the engine mounts into every sandbox, by the field that says whence."""

_ESCAPE = re.compile(r"\\([0-7]{3})")

Inspected = Mapping[str, Any]
ReadHost = Callable[[], tuple["Mounted", ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounted:
    """What is at `point`: the path `root` on `device`."""

    point: str
    device: str
    root: str


def find_displaced(wire: Wire, inspected: Inspected, targets: Iterable[str], read_host: ReadHost) -> dict[str, str]:
    """The binds at `targets` of a running container where something else is mounted than their source, and what.

    `read_host` gives the table of the engine's host where that is this machine. Its kernel is asked then, which cannot
    be deceived; elsewhere the sandbox itself. Empty where neither answers.
    """
    sources = {str(m["Destination"]): str(m["Source"]) for m in inspected.get("Mounts") or () if m["Type"] == "bind"}
    wanted = {target: sources[target] for target in targets if target in sources}
    if not wanted:
        return {}
    here = is_local(wire) and _is_here(inspected)
    inside = read_table(_read_process(inspected["State"]["Pid"]) if here else "")
    inside = inside or read_table(_ask_sandbox(wire, inspected["Id"]))
    host = read_host() if here else ()
    if host:
        older = _is_older(datetime.fromisoformat(inspected["Created"]).timestamp())
        wanted = {target: follow_links(source, older)[0] for target, source in wanted.items()}
    return compare_mounts(wanted, inside, host, _find_anchors(inspected, inside))


def _is_older(moment: float) -> Callable[[str], bool]:
    """Whether a link was there at that moment, as one is that somebody else than the sandbox has made for it."""

    def is_older(place: str) -> bool:
        try:
            return os.lstat(place).st_ctime <= moment
        except OSError:
            return False

    return is_older


def compare_mounts(
    wanted: Mapping[str, str], inside: Iterable[Mounted], host: Iterable[Mounted], anchors: Mapping[str, str]
) -> dict[str, str]:
    """By target, what is mounted there instead of the source that `wanted` has for it. Pure.

    With the table of the `host` a source has one place only. Without it, `anchors` has the devices of which it is known
    where on the host they are mounted: there another last name is something else.
    """
    by_point = {mounted.point: mounted for mounted in inside}
    table = tuple(host)
    found = {}
    for target, source in wanted.items():
        mounted = by_point.get(target)
        if mounted is None:
            # The image has a link on the way to the target, or nothing was answered.
            continue
        expected = _locate(source, table)
        if expected and (mounted.device, mounted.root) != expected:
            found[target] = _name(mounted, table)
        elif not expected and _is_other(source, mounted, anchors):
            found[target] = _name(mounted, ())
    return found


def read_table(text: str) -> tuple[Mounted, ...]:
    """The mounts of a table, in its order; lines that are none are left out."""
    lines = (line.split(" ") for line in text.split("\n"))
    return tuple(
        Mounted(device=words[2], root=_unescape(words[3]), point=_unescape(words[4]))
        for words in lines
        if len(words) > 5 and words[3].startswith("/") and words[4].startswith("/")
    )


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), text)


def _locate(path: str, table: Iterable[Mounted]) -> tuple[str, str] | None:
    """The device and the path on it of what lies at `path`, no link of which is followed."""
    above = [mounted for mounted in table if _is_below(path, mounted.point)]
    if not above:
        return None
    # Of several at one point the last one covers the others; the longest point is the nearest.
    nearest = max(reversed(above), key=lambda mounted: len(mounted.point))
    rest = path[len(nearest.point.rstrip("/")) :]
    return nearest.device, f"{nearest.root.rstrip('/')}{rest}" or "/"


def _is_other(source: str, mounted: Mounted, anchors: Mapping[str, str]) -> bool:
    if mounted.root.endswith(_DELETED):
        return True
    return _is_below(source, anchors.get(mounted.device, "-")) and _last_name(mounted.root) != _last_name(source)


def _find_anchors(inspected: Inspected, inside: Iterable[Mounted]) -> dict[str, str]:
    """By device, where on the engine's host it is mounted, as far as the engine's own binds tell."""
    by_point = {mounted.point: mounted for mounted in inside}
    found = {}
    for field, point in _OWN.items():
        path, mounted = str(inspected.get(field) or ""), by_point.get(point)
        if mounted and path.endswith(mounted.root):
            found[mounted.device] = path.removesuffix(mounted.root) or "/"
    return found


def _name(mounted: Mounted, table: Iterable[Mounted]) -> str:
    """The path on the host, else the one on its device."""
    if mounted.root.endswith(_DELETED):
        return f"{mounted.root.removesuffix(_DELETED)}, which was removed"
    for other in table:
        if other.device == mounted.device and _is_below(mounted.root, other.root):
            return f"{other.point.rstrip('/')}{mounted.root[len(other.root.rstrip('/')) :]}".rstrip("/") or "/"
    return mounted.root


def _is_below(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder.rstrip('/')}/")


def _last_name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _is_here(inspected: Inspected) -> bool:
    """Whether the container's main process is one of this machine, by the id that the engine knows it by."""
    try:
        groups = Path(f"/proc/{int(inspected['State']['Pid'])}/cgroup").read_text()
    except (OSError, ValueError):
        return False
    return str(inspected["Id"]) in groups


def read_host(wire: Wire) -> tuple[Mounted, ...]:
    """The table of the engine, else our own."""
    listener = read_listener(wire.endpoint.url.removeprefix("unix://"))
    return read_table((_read_process(listener) if listener else "") or _read_process("self"))


def _read_process(pid: int | str) -> str:
    """Empty where this user may not read it."""
    try:
        with Path(f"/proc/{pid}/mountinfo").open(encoding="utf-8", errors="replace") as stream:
            return stream.read(_LONGEST)
    except OSError:
        return ""


def _ask_sandbox(wire: Wire, container_id: str) -> str:
    try:
        outcome = ask(wire, container_id, ("cat", "/proc/self/mountinfo"))
    except (Unanswered, Conflict):
        return ""
    except EngineError as error:
        # So some engines say that there is no such program.
        if error.status != 400:
            raise
        return ""
    return outcome.output[:_LONGEST] if outcome.exit_code == 0 else ""
