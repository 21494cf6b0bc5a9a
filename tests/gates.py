"""Files that something inside waits for. No process makes them: one that dies with its container would have failed."""

from __future__ import annotations

import io
import subprocess
import tarfile

GATE = "go"


def open_gate(container: str, *engine: str) -> None:
    """Lay the file `/go` into `container`; `engine` are the words of `docker` that lead to another one."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(GATE))
    subprocess.run(["docker", *engine, "cp", "-", f"{container}:/"], input=packed.getvalue(), check=True)
