"""Files copied into a sandbox and out of it, beside `docker cp`: one large file, and many small ones."""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from contestants import COMMAND, Nexusctl, find_nexusctl, run
from figure import Against, Figure, Setting, Stopwatch, cleared, turns

BYTES = 1024**3 // 100
FILES = 100
"""Of the large file, and how many small ones there are, for each of the sandboxes in the rows about many."""

PER_FOLDER = 100
TARGET = "/srv/copied"
MOST_MEMORY = 150.0
"""MiB."""


@dataclass(frozen=True)
class _Copier:
    """`place` is what stands before the colon of a path in its sandbox."""

    name: str
    words: tuple[str, ...]
    place: str

    def copy_in(self, source: Path) -> float:
        return weigh([*self.words, str(source), f"{self.place}:{TARGET}"])

    def copy_out(self, target: Path) -> float:
        return weigh([*self.words, f"{self.place}:{TARGET}", str(target)])


def measure_copies(setting: Setting) -> list[Figure]:
    ours = Nexusctl(setting.folder, setting.stack, {"box": {"image": setting.image, "command": COMMAND}})
    large, many = setting.folder / "large", setting.folder / "many"
    _write_large(large, setting.many * BYTES)
    _write_many(many, setting.many * FILES)
    with cleared(ours.destroy):
        ours.apply()
        container = ours.find_containers()["box"]
        copiers = [
            _Copier("nexusctl", (find_nexusctl(), "cp", "--stack", setting.stack), "box"),
            _Copier("docker", ("docker", "cp"), container),
        ]
        size = f"{setting.many * BYTES / 1024**2:,.0f} MiB"
        return [
            *_measure(setting, copiers, container, large, f"a file of {size}"),
            *_measure(setting, copiers, container, many, f"{setting.many * FILES:,} files"),
        ]


def _measure(setting: Setting, copiers: Sequence[_Copier], container: str, source: Path, what: str) -> list[Figure]:
    """Both ways. Raises RuntimeError where what came back is not what was sent."""
    watch, peaks, back = Stopwatch(), [], setting.folder / "back"
    for who in turns(f"cp, {what}", copiers, setting.rounds):
        for act, copy in _both_ways(who, source, back):
            peak: list[float] = []
            # Else the disk writes for one what the other has left in memory.
            os.sync()
            watch.take(who.name, act, lambda copy=copy, peak=peak: peak.append(copy()))
            peaks += peak if who.name == "nexusctl" else []
        _require_same(who.name, source, back)
        run(["docker", "exec", container, "rm", "-rf", TARGET])
        shutil.rmtree(back) if back.is_dir() else back.unlink()
    rows = [
        Figure(
            what=f"`cp` of {what} {act}",
            ours=watch.of("nexusctl", act),
            against=(Against("`docker cp`", watch.of("docker", act), 1.2),),
        )
        for act in ("in", "out")
    ]
    return [*rows, Figure(what=f"memory at its peak, `cp` of {what}", ours=[max(peaks)], limit=MOST_MEMORY, unit="MiB")]


def _both_ways(who: _Copier, source: Path, back: Path) -> list[tuple[str, Callable[[], float]]]:
    return [("in", lambda: who.copy_in(source)), ("out", lambda: who.copy_out(back))]


def weigh(argv: Sequence[str]) -> float:
    """Run a command to its end; returns the MiB of memory that it had at its peak. Raises RuntimeError."""
    # Linux counts in it what started the program as well: that is this small process.
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(argv)} exited with {process.returncode}")
    return used.ru_maxrss / 1024


def _write_large(file: Path, size: int) -> None:
    piece = os.urandom(1024**2)
    with file.open("wb") as stream:
        while size > 0:
            size -= stream.write(piece[:size])


def _write_many(folder: Path, count: int) -> None:
    for number in range(count):
        file = folder / str(number // PER_FOLDER) / f"module-{number}.js"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"// {number}\n" * 100)


def _require_same(name: str, source: Path, back: Path) -> None:
    files = [path.relative_to(source) for path in source.rglob("*") if path.is_file()] if source.is_dir() else [Path()]
    differing = [path for path in files if not filecmp.cmp(source / path, back / path, shallow=False)]
    if differing:
        raise RuntimeError(f"{name}: {len(differing)} of {len(files)} files are not what was copied")
