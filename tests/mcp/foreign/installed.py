"""Where clients of others are kept: a cache folder, filled by the first test that needs one of them."""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NODE = "24"
"""What the newest of them ask for; npm brings it, whatever node this machine has."""

PACKAGES = ("@modelcontextprotocol/inspector@2", "mcporter@0.12", "@modelcontextprotocol/conformance@0.1")
FASTMCP = "fastmcp>=4,<5"

_ARCHITECTURES = {"x86_64": "x64", "aarch64": "arm64"}


def node_program(name: str) -> list[str]:
    """The command of a program of npm's; the test is skipped, in words, where it cannot be had."""
    with _cached("node-clients") as folder:
        node = folder / "node_modules" / f"node-linux-{_ARCHITECTURES.get(platform.machine(), '')}" / "bin" / "node"
        program = folder / "node_modules" / ".bin" / name
        if not program.exists():
            if shutil.which("npm") is None:
                pytest.skip("there is no npm on this machine, which brings this client")
            if not node.exists():
                _npm(folder, os.environ["PATH"], f"{node.parts[-3]}@{NODE}")
            _npm(folder, f"{node.parent}:{os.environ['PATH']}", *PACKAGES)
        return [str(node), str(program.resolve())]


def fastmcp_python() -> str:
    """A Python that has `fastmcp`, in an environment of its own, as it brings its own SDK."""
    with _cached("fastmcp") as folder:
        python = folder / "bin" / "python"
        if not (folder / "ready").exists():
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            _run([str(python), "-m", "pip", "install", "--quiet", FASTMCP], os.environ["PATH"], folder)
            (folder / "ready").touch()
        return str(python)


def _npm(folder: Path, path: str, *packages: str) -> None:
    words = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(folder), *packages]
    _run(words, path, folder)


def _run(words: list[str], path: str, folder: Path) -> None:
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        pytest.skip(f"{words[0]} cannot fetch this client: {(done.stderr or done.stdout).strip()[-300:]}")


@contextmanager
def _cached(name: str) -> Iterator[Path]:
    """The folder of that name, for one process at a time."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "nexusctl-tests" / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
