"""Loads the file that is named and prints as JSON how that went; run as a process of its own, under limits."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

import yaml

if os.environ.get("NEXUS_TEST_PURE_YAML"):
    del yaml.CSafeLoader  # as where PyYAML was built without libyaml

from nexusctl.config.load import load
from nexusctl.errors import InputError
from nexusctl.render.diagnostic import render_diagnostics

# Generous beside what is promised, as machines differ; the worst file takes about one second of it.
CPU_SECONDS = 10
MEMORY = 1024 * 1024 * 1024


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    begun = time.process_time()
    text = ""
    try:
        load(Path(sys.argv[1]))
    except InputError as error:
        text = render_diagnostics(error.diagnostics)
    took = time.process_time() - begun
    print(json.dumps({"seconds": round(took, 3), "peak_mib": peak_mib(), "problems": text}))


def peak_mib() -> int:
    """The most memory that this program has had; ru_maxrss would also count the one that started it."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) // 1024


main()
