"""How soon a file that somebody saves is in the sandbox of a watch, and a thousand of them."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contestants import COMMAND, Nexusctl, find_nexusctl, run
from figure import Figure, Setting, cleared, note

FILES = 1000
PER_FOLDER = 100
TARGET = "/srv/app"
LONGEST = 60

# The clock is the one that both have. What is read comes in one piece: a new file takes the place of the old.
AWAIT_ONE = f"""
until read -r said <{TARGET}/one && [ "$said" = "$1" ]; do sleep 0.01; done; date +%s.%N
"""
AWAIT_MANY = f"""
until [ "$(cat {TARGET}/many/*/* | sort | uniq -c | tr -s ' ')" = " {FILES} $1" ]; do sleep 0.02; done; date +%s.%N
"""


def measure_watch(setting: Setting) -> list[Figure]:
    folder = setting.folder / "app"
    _save_many(folder, "first")
    _save(folder / "one", "first")
    uploads = [{"source": str(folder), "target": TARGET}]
    ours = Nexusctl(
        setting.folder, setting.stack, {"app": {"image": setting.image, "command": COMMAND, "uploads": uploads}}
    )
    one, many = [], []
    with cleared(ours.destroy):
        ours.apply()
        container = ours.find_containers()["app"]
        with _watching(ours.file):
            for number in range(setting.rounds):
                note(f"watch, round {number + 1} of {setting.rounds}")
                mark = f"round-{number}"
                with _awaited(container, AWAIT_ONE, mark) as awaited:
                    _save(folder / "one", mark)
                one.append(awaited[0])
                # A plan straight after has nothing to say: it would end with 2.
                run([find_nexusctl(), "plan", "--detailed-exitcode", "-f", str(ours.file)])
                with _awaited(container, AWAIT_MANY, mark) as awaited:
                    _save_many(folder, mark)
                many.append(awaited[0])
                run([find_nexusctl(), "plan", "--detailed-exitcode", "-f", str(ours.file)])
    return [
        Figure(what="a file that is saved, in the sandbox of a `watch`", ours=one, limit=0.5),
        Figure(what=f"{FILES:,} files that are saved, the same way", ours=many, limit=2.0),
    ]


@contextmanager
def _watching(file: Path) -> Iterator[None]:
    """A watch that has come to rest. Raises RuntimeError where it does not."""
    argv = [find_nexusctl(), "watch", "--yes", "-f", str(file)]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if line.startswith(b"Watching;"):
                    break
            else:
                raise RuntimeError("the watch has ended")
            yield
        finally:
            process.send_signal(signal.SIGINT)


@contextmanager
def _awaited(container: str, script: str, mark: str) -> Iterator[list[float]]:
    """The seconds from here to the moment at which `script` in the sandbox has seen `mark`, known at the end."""
    seconds: list[float] = []
    waiting = ("sh", "-c", f'echo ready; exec timeout {LONGEST} sh -c "$@"', "sh", script, "sh", mark)
    argv = ["docker", "exec", container, *waiting]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        began = time.time()
        yield seconds
        said = process.stdout.readline()
    if not said:
        raise RuntimeError(f"what was saved was not in the sandbox after {LONGEST} s")
    seconds.append(float(said) - began)


def _save(file: Path, text: str) -> None:
    """As an editor does: a new file in the place of the old one."""
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(f"{text}\n")
    beside.replace(file)


def _save_many(folder: Path, mark: str) -> None:
    for number in range(FILES):
        file = folder / "many" / str(number // PER_FOLDER) / f"module-{number}.js"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{mark}\n")
