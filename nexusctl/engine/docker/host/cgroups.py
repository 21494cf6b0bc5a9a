"""Mounting control groups where no init has done it, as in a microVM or a bare container: runc needs them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from nexusctl.engine.docker.host.machine_facts import read_cgroup_mounts

MOUNT_POINT = Path("/sys/fs/cgroup")
NEEDED = {"cpu", "memory", "pids"}


def mount_cgroups() -> str:
    """Mount a hierarchy unless one is mounted; returns what was mounted, empty for nothing. Takes root."""
    if read_cgroup_mounts() or not MOUNT_POINT.is_dir():
        return ""
    return _mount_version_2() or _mount_version_1(group_controllers(Path("/proc/cgroups").read_text()))


def group_controllers(text: str) -> list[str]:
    """The enabled controllers in the text of /proc/cgroups, with commas between those that share a hierarchy."""
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    groups: dict[str, list[str]] = {}
    for name, hierarchy, _, enabled in rows:
        if enabled == "1":
            groups.setdefault(name if hierarchy == "0" else hierarchy, []).append(name)
    return [",".join(names) for names in groups.values()]


def _mount_version_2() -> str:
    if "cgroup2" not in Path("/proc/filesystems").read_text().split():
        return ""
    _mount("cgroup2", MOUNT_POINT, "cgroup2")
    # Controllers that a version 1 hierarchy holds, perhaps in another mount namespace, are missing here.
    controllers = MOUNT_POINT / "cgroup.controllers"
    if controllers.is_file() and set(controllers.read_text().split()) >= NEEDED:
        return f"cgroup2 at {MOUNT_POINT}"
    subprocess.run(["umount", str(MOUNT_POINT)], capture_output=True, check=False)
    return ""


def _mount_version_1(groups: list[str]) -> str:
    _mount("tmpfs", MOUNT_POINT, "tmpfs", "mode=755")
    for group in groups:
        folder = MOUNT_POINT / group
        folder.mkdir(exist_ok=True)
        _mount("cgroup", folder, "cgroup", group)
    return f"{len(groups)} cgroup hierarchies at {MOUNT_POINT}"


def _mount(kind: str, folder: Path, source: str, options: str = "") -> None:
    chosen = ["-o", options] if options else []
    subprocess.run(["mount", "-t", kind, *chosen, source, str(folder)], capture_output=True, check=False)
