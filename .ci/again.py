"""Plays the tests that failed once more, alone: tells a fault from what a busy machine did to a test.

    again.py           exit code 0 where each passed

Only tests on the engine depend on what else runs; and only where few failed is that a likely reason. What fails beside
others and passes alone is printed last, as it is to be mended all the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

FAILED = Path(".pytest_cache/v/cache/lastfailed")
MOST = 4
MINUTES = 5
NONE_COLLECTED = 5
"""What pytest exits with where no test is left to play."""


def main() -> int:
    failed = sorted(json.loads(FAILED.read_text())) if FAILED.exists() else []
    if not 0 < len(failed) <= MOST:
        return 1
    print(f"\nonce more, alone: {', '.join(failed)}", flush=True)
    pytest = [".venv/bin/pytest", "--hypothesis-profile", "default", *failed]
    on_engine = subprocess.run([*pytest, "-q", "--collect-only", "-m", "not engine"], capture_output=True, check=False)
    if on_engine.returncode != NONE_COLLECTED:
        print("not all of them depend on the engine")
        return 1
    if subprocess.run(pytest, timeout=60 * MINUTES, check=False).returncode != 0:
        return 1
    print("\n".join(["", *(f"FAILED BESIDE OTHERS, PASSED ALONE: {name}" for name in failed)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
