"""Mounting control groups where no init has done it, as in a microVM or a bare container: runc needs them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from nexusctl.engine.docker.machine import read_cgroup_mounts

MOUNT_POINT = Path("/sys/fs/cgroup")


def mount_cgroups() -> str:
    """Mount a hierarchy unless one is mounted; returns what was mounted, empty for nothing. Takes root."""
    if read_cgroup_mounts() or not MOUNT_POINT.is_dir():
        return ""
    controllers = list_controllers(Path("/proc/cgroups").read_text())
    if "cgroup2" in Path("/proc/filesystems").read_text().split():
        # In a version 2 tree only controllers that no version 1 hierarchy holds are there.
        _mount("cgroup2", MOUNT_POINT, "cgroup2")
        if (MOUNT_POINT / "cgroup.controllers").read_text().split():
            return f"cgroup2 at {MOUNT_POINT}"
        subprocess.run(["umount", str(MOUNT_POINT)], check=False)
    _mount("tmpfs", MOUNT_POINT, "tmpfs", "mode=755")
    for name in controllers:
        folder = MOUNT_POINT / name
        folder.mkdir(exist_ok=True)
        _mount("cgroup", folder, "cgroup", name)
    return f"{len(controllers)} cgroup controllers at {MOUNT_POINT}"


def list_controllers(text: str) -> list[str]:
    """The enabled controllers in the text of /proc/cgroups."""
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return [row[0] for row in rows if row[-1] == "1"]


def _mount(kind: str, folder: Path, source: str, options: str = "") -> None:
    chosen = ["-o", options] if options else []
    subprocess.run(["mount", "-t", kind, *chosen, source, str(folder)], capture_output=True, check=False)
