"""What the folders of executions hold, read from a container's archive, whatever its state.

All of it is a sandbox's word: names are checked, sizes are bounded, and nothing but plain files is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO, cast

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.executions.supervisor import LINES, LONGEST_PIECE, MOST_INDICES, MOST_PIECES, ROOT
from nexusctl.errors import EngineError, NotFound
from nexusctl.model.observed.execution import Piece, Stream
from nexusctl.model.values.frozen import dataclass

LONGEST_LINE = 100
"""Bytes of one line of an index: six numbers."""

MOST_FILES = 100_000

_OUTPUT = re.compile(r"(?P<kind>[oei])\.(?P<number>[0-9]{1,9})\Z")
_STREAMS: Mapping[str, Stream] = {"o": "stdout", "e": "stderr"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """`length` bytes of the log from `offset` on: those from `at` on in a piece of a stream; see `Piece`."""

    offset: int
    kind: str
    number: int
    at: int
    length: int
    after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """`pieces` are the bytes of each file, by kind and number. `whole` says whether its end was written."""

    frames: tuple[Frame, ...]
    pieces: Mapping[tuple[str, int], bytes]
    whole: bool

    @property
    def length(self) -> int:
        return self.frames[-1].offset + self.frames[-1].length if self.frames else 0


def read_files(wire: Wire, container_id: str, path: str, most: int) -> Iterator[tuple[str, bytes, float]]:
    """The plain files below the folder `path`, which may be absent, with names that begin with the folder's own, and
    when each was written last, in seconds since 1970 by the clock of the engine's machine.

    Those longer than `most` bytes are left out. Raises `EngineError`.
    """
    import tarfile  # noqa: PLC0415 - deferred: start-up time

    try:
        with (
            wire.open("GET", f"/containers/{container_id}/archive", {"path": path}) as answer,
            tarfile.open(fileobj=cast(BinaryIO, answer), mode="r|") as tar,
        ):
            for number, member in enumerate(tar):
                if number > MOST_FILES:
                    return
                if member.isreg() and not member.issparse() and member.size <= most:
                    stream = tar.extractfile(member)
                    yield member.name, stream.read() if stream else b"", member.mtime
                # The library remembers all that it has seen.
                tar.members.clear()  # type: ignore[attr-defined]
    except NotFound:
        return
    except (tarfile.TarError, OSError) as error:
        raise EngineError(f"{path} of container {container_id[:12]} cannot be read: {error}") from error


def read_log(wire: Wire, container_id: str, execution_id: str) -> Log:
    """The log of one. Raises `EngineError`."""
    lines: dict[int, bytes] = {}
    pieces: dict[tuple[str, int], bytes] = {}
    for path, data, _ in read_files(
        wire, container_id, f"{ROOT}/output/{execution_id}", max(LONGEST_PIECE, LINES * LONGEST_LINE)
    ):
        match = _OUTPUT.match(path.rpartition("/")[2])
        if match is None or path.count("/") != 1:
            continue
        number = int(match["number"])
        if match["kind"] == "i":
            lines[number] = data
        else:
            pieces[match["kind"], number] = data
        if len(lines) > MOST_INDICES + 1 or len(pieces) > MOST_PIECES + 2:
            raise EngineError(f"the log of {execution_id} is longer than any of ours")
    return put_together([lines[number] for number in sorted(lines)], pieces)


def put_together(indices: list[bytes], pieces: Mapping[tuple[str, int], bytes]) -> Log:
    """Pure. What the streams hold beyond the index was on its way there when the sandbox ended: it comes last."""
    frames: list[Frame] = []
    whole, expected = False, -1
    ends: dict[str, tuple[int, int]] = {"o": (0, 0), "e": (0, 0)}
    for line in b"".join(indices).split(b"\n"):
        words = line[:LONGEST_LINE].split()
        if len(words) not in (5, 6) or not all(word.isdigit() and len(word) < 16 for word in (words[0], *words[2:])):
            continue
        offset, number, at, length = int(words[0]), *map(int, words[2:5])
        after = int(words[5]) / 100 if len(words) == 6 else None
        kind = words[1].decode(errors="replace")
        if kind == ".":
            whole = True
        if kind not in _STREAMS or length > LONGEST_PIECE or (expected >= 0 and offset != expected):
            continue
        frames.append(Frame(offset=offset, kind=kind, number=number, at=at, length=length, after=after))
        expected = offset + length
        ends[kind] = (number, at + length)
    if not whole:
        offset = max(0, expected)
        for kind in _STREAMS:
            for number, at, length in _list_beyond(kind, ends[kind], pieces):
                frames.append(Frame(offset=offset, kind=kind, number=number, at=at, length=length))
                offset += length
    return Log(frames=tuple(frames), pieces=pieces, whole=whole)


def _list_beyond(
    kind: str, end: tuple[int, int], pieces: Mapping[tuple[str, int], bytes]
) -> Iterator[tuple[int, int, int]]:
    for number in sorted(number for found, number in pieces if found == kind and number >= end[0]):
        at = end[1] if number == end[0] else 0
        if (length := len(pieces[kind, number]) - at) > 0:
            yield number, at, length


def cut(log: Log, offset: int, most: int) -> Iterator[Piece]:
    """The pieces of `log` from `offset` on, at most `most` bytes, with a word on what was cut away. Pure."""
    lost_up_to = 0
    for frame in log.frames:
        if not _has(log, frame):
            lost_up_to = frame.offset + frame.length
    first = log.frames[0].offset if log.frames else 0
    begin = max(lost_up_to, first)
    if begin > offset:
        yield Piece(offset=begin, stream=None)
        offset = begin
    for frame in log.frames:
        end = frame.offset + frame.length
        if end <= offset:
            continue
        if most <= 0:
            return
        skip = max(0, offset - frame.offset)
        start = frame.at + skip
        data = log.pieces[frame.kind, frame.number][start : start + min(frame.length - skip, most)]
        most -= len(data)
        yield Piece(offset=frame.offset + skip, stream=_STREAMS[frame.kind], data=data, after=frame.after)


def _has(log: Log, frame: Frame) -> bool:
    return len(log.pieces.get((frame.kind, frame.number), b"")) >= frame.at + frame.length
