"""The process of a command: `nexusctl`, and `python -m nexusctl`."""

import gc
import os
import sys
from typing import NoReturn

# A command lives for seconds, and what its imports make stays: looking for garbage among that finds nothing.
gc.set_threshold(100_000, 50, 100)

# Their imports are the ones that these two are about.
import nexusctl.cli.lean_start  # noqa: E402, F401 - before the others
from nexusctl.cli.main import main  # noqa: E402
from nexusctl.cli.terminal.streams import open_streams  # noqa: E402


def start() -> NoReturn:
    """Run the command, then end at once: taking an interpreter down piece by piece takes a tenth of a plan."""
    open_streams()
    code = main()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    start()
