"""A command of nexusctl whose calls to the engine something comes between."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.faults.proxy import Proxy


def run_through(proxy: Proxy, arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run nexusctl in `folder` on the engine behind `proxy`, which may kill it."""
    words = [sys.executable, "-m", "nexusctl", *arguments]
    process = subprocess.Popen(
        words,
        cwd=folder,
        env={**os.environ, "DOCKER_HOST": f"unix://{proxy.path}"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    proxy.victim = lambda: process.pid
    stdout, stderr = process.communicate(timeout=120)
    return subprocess.CompletedProcess(words, process.returncode, stdout, stderr)
