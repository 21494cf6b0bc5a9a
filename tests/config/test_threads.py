"""Threads that read their first file at the same time all find the parser whole."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import sys, threading, types
sys.modules["nexusctl.__main__"] = types.ModuleType("nexusctl.__main__")
sys.setswitchinterval(1e-6)
from nexusctl.config.load import load_template
start, failed = threading.Barrier(8), []
def read():
    start.wait()
    try:
        load_template("base")
    except BaseException as error:
        failed.append(error)
threads = [threading.Thread(target=read) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
sys.exit(repr(failed) if failed else 0)
"""


def test_the_first_file_is_read_by_several_threads_at_once() -> None:
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
