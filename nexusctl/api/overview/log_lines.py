"""What sandboxes print, line by line; where it is followed, also what those print that join or start again."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator

from nexusctl.api.inspection import find_sandboxes
from nexusctl.engine.base import Engine
from nexusctl.engine.log_chunk import LogChunk
from nexusctl.errors import EngineUnreachable, NexusError, NotFound
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.stack import Stack
from nexusctl.model.values.frozen import dataclass

LONGEST_LINE = 1024 * 1024
"""Bytes of a line that are held until it ends."""

WAITING_LINES = 256
"""So many lines of a log wait for whoever reads them; the engine keeps the rest."""

_PAUSE = 1.0
"""Seconds between two looks while all wait to be started again."""

_OVERLAP = 0.001
"""Seconds before the last line that a log is read from again: the engine is asked with less than its clock has."""

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """`data` ends with its line end, but for a line that never had one, or that is cut because it is too long.

    `time` is in seconds since 1970, None where nobody asked for it.
    """

    sandbox: str
    stream: str
    data: bytes
    time: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogWish:
    """The last `tail` lines of each, all for None, and none that is older than `since`, in seconds since 1970."""

    tail: int | None = None
    since: float | None = None
    timed: bool = False


def read_lines(engine: Engine, chosen: Iterable[LiveSandbox], wish: LogWish, report: Report) -> Iterator[LogLine]:
    """What each has printed, one after the other; `report` hears of one that has gone. Raises `EngineError`."""
    for live in chosen:
        try:
            chunks = engine.logs(live.id, tail=wish.tail, since=wish.since, timed=wish.timed)
            for stream, when, line in split_lines(chunks):
                yield LogLine(sandbox=live.sandbox, stream=stream, data=line, time=when)
        except NotFound:
            report(f"{live.sandbox}: its log went with its container")


def follow_lines(
    engine: Engine,
    stack: Stack,
    chosen: Iterable[LiveSandbox],
    names: tuple[str, ...],
    wish: LogWish,
    report: Report,
) -> Iterator[LogLine]:
    """The same, and what comes, as it comes, until none of those that `names` mean runs or is about to.

    Those that `names` mean later join the `chosen` ones. Raises `EngineUnreachable` when the engine goes.
    """
    following = Following(engine, report)
    with engine.overview.listen_starts(stack.name, following.look_again):
        for live in chosen:
            following.begin(live, wish)
        yield from following.run(lambda: find_sandboxes(engine, stack, names, must_exist=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class _LogEnd:
    id: str


class Following:
    """Reads the logs of several containers at once, a thread each; lives as long as somebody reads from it."""

    def __init__(self, engine: Engine, report: Report) -> None:
        self._engine, self._report = engine, report
        self._items: queue.Queue[tuple[str, LogLine] | _LogEnd | NexusError | None] = queue.Queue(WAITING_LINES)
        self._active: set[str] = set()
        self._last: dict[str, float] = {}

    def look_again(self) -> None:
        self._items.put(None)

    def begin(self, live: LiveSandbox, wish: LogWish) -> None:
        self._active.add(live.id)
        threading.Thread(target=self._pump, args=(live, wish), name="log", daemon=True).start()

    def run(self, find: Callable[[], tuple[LiveSandbox, ...]]) -> Iterator[LogLine]:
        waits = False
        while self._active or waits or (waits := self._join(find())):
            try:
                item = self._items.get(timeout=None if self._active else _PAUSE)
            except queue.Empty:
                item = None
            if isinstance(item, NexusError):
                raise item
            if isinstance(item, tuple):
                key, line = item
                if line.time is not None:
                    self._last[key] = max(line.time, self._last.get(key, 0.0))
                yield line
                continue
            if isinstance(item, _LogEnd):
                self._active.discard(item.id)
            waits = self._join(find())

    def _join(self, found: Iterable[LiveSandbox]) -> bool:
        """Begin with those that run and are not read; whether any runs or is about to."""
        alive = False
        for live in found:
            runs = live.state in ("running", "paused")
            alive = alive or runs or live.state == "restarting" or live.partial
            if runs and live.id not in self._active:
                last = self._last.get(live.id)
                self.begin(live, LogWish(since=None if last is None else last - _OVERLAP))
        return alive

    def _pump(self, live: LiveSandbox, wish: LogWish) -> None:
        after = self._last.get(live.id)
        try:
            chunks = self._engine.logs(live.id, tail=wish.tail, since=wish.since, follow=True, timed=True)
            for stream, when, line in split_lines(chunks):
                if after is None or when is None or when > after:
                    self._items.put((live.id, LogLine(sandbox=live.sandbox, stream=stream, data=line, time=when)))
            # An engine that stops ends its logs as a program does that ends.
            self._engine.condition(live.id)
        except NotFound:
            self._report(f"{live.sandbox}: its log went with its container")
        except EngineUnreachable as error:
            said = f"the log of {live.sandbox} ends here: {error.summary}"
            self._items.put(EngineUnreachable(said, hint=error.diagnostics[0].hint))
        except NexusError as error:
            self._items.put(error)
        self._items.put(_LogEnd(id=live.id))


def split_lines(chunks: Iterable[LogChunk]) -> Iterator[tuple[str, float | None, bytes]]:
    """Whole lines of each stream, with the time at which each began, in the order in which they are completed.

    One that never ends comes in pieces.
    """
    rest = {"stdout": b"", "stderr": b""}
    begun: dict[str, float | None] = {}
    for chunk in chunks:
        if not rest[chunk.stream]:
            begun[chunk.stream] = chunk.time
        *lines, rest[chunk.stream] = (rest[chunk.stream] + chunk.data).split(b"\n")
        for line in lines:
            yield chunk.stream, begun[chunk.stream], line + b"\n"
            begun[chunk.stream] = chunk.time
        if len(rest[chunk.stream]) > LONGEST_LINE:
            yield chunk.stream, begun[chunk.stream], rest[chunk.stream]
            rest[chunk.stream] = b""
    yield from ((stream, begun.get(stream), line) for stream, line in rest.items() if line)
