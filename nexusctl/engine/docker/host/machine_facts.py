"""What this machine says about itself: the facts that starting an engine and the doctor decide on. Reads only."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from nexusctl.model.values.frozen import dataclass

DAEMON_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin"
"""Where daemons and their tools are looked for: the user's PATH often lacks the sbin folders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """`dockerd` is its path, empty for none; `unit` is the systemd unit that runs it, empty for none.

    `distribution` and `alike` are ID and ID_LIKE of os-release. `neighbours` are the ids of the Docker daemons that
    run in this network namespace. `cgroups` says whether a cgroup hierarchy is mounted.
    """

    root: bool
    dockerd: str
    unit: str = ""
    distribution: str = ""
    alike: tuple[str, ...] = ()
    apt: bool = False
    neighbours: tuple[int, ...] = ()
    cgroups: bool = True


def look_around() -> Machine:
    release = read_os_release()
    return Machine(
        root=os.geteuid() == 0,
        dockerd=find_program("dockerd"),
        unit=_find_unit(),
        distribution=release.get("ID", ""),
        alike=tuple(release.get("ID_LIKE", "").split()),
        apt=bool(find_program("apt-get")),
        neighbours=tuple(find_daemons()),
        cgroups=bool(read_cgroup_mounts()),
    )


def find_program(name: str) -> str:
    """The path of a program, empty for none."""
    return shutil.which(name, path=DAEMON_PATH) or ""


def read_os_release() -> dict[str, str]:
    for path in (Path("/etc/os-release"), Path("/usr/lib/os-release")):
        if path.is_file():
            lines = (line.partition("=") for line in path.read_text(errors="replace").splitlines())
            return {key.strip(): value.strip().strip("'\"") for key, _, value in lines if value}
    return {}


def read_cgroup_mounts() -> list[str]:
    """The types (cgroup, cgroup2) of the mounted hierarchies that have controllers."""
    found = []
    for line in Path("/proc/self/mounts").read_text(errors="replace").splitlines():
        _, _, kind, options, *_ = line.split()
        if kind == "cgroup2" or (kind == "cgroup" and "name=" not in options):
            found.append(kind)
    return found


def find_daemons() -> Iterator[int]:
    """The ids of the Docker daemons in this network namespace, which share its firewall and its bridges."""
    ours = _network_namespace("self")
    for entry in sorted(Path("/proc").iterdir()):
        if entry.name.isdigit() and read_command(int(entry.name)) == "dockerd":
            theirs = _network_namespace(entry.name)
            if theirs == ours:
                yield int(entry.name)


def read_command(pid: int) -> str:
    """The name of a process's program, empty where there is no such process."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def read_start(pid: int) -> str:
    """What tells a process from a later one with its id: the boot and the tick of its start; empty when it is gone."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def read_listener(path: str) -> int:
    """The id of the process that listens on a Unix socket, 0 where nobody does or it cannot be told."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(2.0)
            probe.connect(path)
            credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except (OSError, AttributeError):
        return 0
    return int(struct.unpack("3i", credentials)[0])


def _network_namespace(pid: str) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return ""


def _find_unit() -> str:
    if not Path("/run/systemd/system").is_dir():
        return ""
    known = subprocess.run(["systemctl", "cat", "docker.service"], capture_output=True, check=False)
    return "docker" if known.returncode == 0 else ""
