"""What is fuzzed: any bytes as a stack file, between files that it may name. Run by `python -m tests.fuzz`.

`python -m tests.fuzz.target CORPUS [OPTION...]` with the options of libFuzzer.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["nexusctl"]):
    from nexusctl.config.load import load
    from nexusctl.errors import InputError
    from nexusctl.render.diagnostic import render_diagnostics

MOST_SECONDS = 2.0
MOST_MEMORY_MIB = 256

NEIGHBOURS = {
    "base.yaml": "name: base\nsandboxes:\n  b: {image: debian}\n",
    "mine.yaml": "name: mine\nimage: debian\ndefaults: {env: {A: '1'}}\n",
    "motd.txt": "hello\n",
    "local.env": "A=1\nexport B='2'\n",
    "app/server.js": "1\n",
    "package.json": "{}\n",
    "package-lock.json": '{"name": "x", "lockfileVersion": 3, "packages": {}}\n',
}


class TooMuch(Exception):
    """An answer that took longer, or more memory, than is promised."""


def prepare(folder: Path) -> Path:
    """Lay out the files that a stack file may name; returns where the stack file goes."""
    for name, text in NEIGHBOURS.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder / "nexus.yaml"


def hold(path: Path, data: bytes) -> None:
    """Load `data`: a stack or an `InputError` that can be shown, in time and in memory."""
    path.write_bytes(data)
    Path("/proc/self/clear_refs").write_text("5")
    begun = time.process_time()
    try:
        load(path)
    except InputError as error:
        if not render_diagnostics(error.diagnostics).startswith("error: "):
            raise AssertionError("an error that says nothing") from error
    took = time.process_time() - begun
    if took > MOST_SECONDS:
        raise TooMuch(f"{took:.1f} s")
    if (peak := peak_mib()) > MOST_MEMORY_MIB:
        raise TooMuch(f"{peak} MiB")


def peak_mib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) // 1024


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory(prefix="nexusctl-fuzz-") as folder:
        path = prepare(Path(folder))
        os.environ["HOME"] = folder
        atheris.Setup(sys.argv, lambda data: hold(path, data))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
