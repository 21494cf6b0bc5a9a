"""Loads the file that is named and prints as JSON how that went; run as a process of its own, under limits."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from nexusctl.config.load import load
from nexusctl.errors import InputError
from nexusctl.render.diagnostic import render_diagnostics


def main() -> None:
    begun = time.process_time()
    text = ""
    try:
        load(Path(sys.argv[1]))
    except InputError as error:
        text = render_diagnostics(error.diagnostics)
    took = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"seconds": round(took, 3), "peak_mib": peak, "problems": text}))


main()
