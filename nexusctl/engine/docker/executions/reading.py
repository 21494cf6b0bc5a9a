"""The log of an execution from an offset on: by a command in the sandbox where it runs, else from its archive."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from nexusctl.engine.docker.client.answer import Answer
from nexusctl.engine.docker.client.client import FOREVER, Wire
from nexusctl.engine.docker.client.frames import split_frames
from nexusctl.engine.docker.exec.calls import SHELLS, create_exec, wait_for_exit_code
from nexusctl.engine.docker.exec.exec import ROOT as ROOT_USER
from nexusctl.engine.docker.executions.archive import cut, read_log
from nexusctl.engine.docker.executions.entry import LONGEST_META, Home
from nexusctl.engine.docker.executions.find import ROOTS, find_container, no_such
from nexusctl.engine.docker.executions.reader import ABSENT, READER
from nexusctl.engine.docker.executions.supervisor import NO_COMMAND
from nexusctl.errors import Conflict, EngineError
from nexusctl.model.observed.execution import Piece, Stream

MOST = 10**15
"""More than any log has."""

START = b'{"Detach":false,"Tty":false}'
LONGEST_HEAD = 100
"""Bytes of what precedes a piece."""

LONGEST_REST = 2 * LONGEST_META
"""Bytes of what is told of an execution behind its log."""

LATE = 60.0
"""Seconds that a sandbox gets for its answer, on top of those that it is to wait."""

_HEAD = re.compile(rb"(?:D (\d{1,15}) ([oe]) (\d{1,9})(?: (\d{1,12}))?|C (\d{1,15})|F (\w{1,10}) (\d{1,15}))\n\Z")
_STREAMS: dict[bytes, Stream] = {b"o": "stdout", b"e": "stderr"}


class Unread(Exception):
    """No command in the sandbox can read it."""


class Waiting(NamedTuple):
    """For how many seconds more is waited for, and after how many of `silence` no more is, where it serves."""

    seconds: float
    silence: float | None = None

    @property
    def hundredths(self) -> tuple[str, str]:
        """The same as the reader counts it."""
        most = 10**10 if math.isinf(self.seconds) else round(self.seconds * 100)
        return str(most), str(most if self.silence is None else round(self.silence * 100))


def read(wire: Wire, execution_id: str, offset: int, *, most: int, wait: Waiting) -> Iterator[Piece]:
    """See `engine/executions.py`."""
    home = find_container(wire, execution_id)
    most = min(most, MOST)
    if home.running:
        try:
            for piece in ask(wire, home, execution_id, offset, most, wait):
                if piece.stream is not None:
                    most -= len(piece.data)
                offset = piece.offset + len(piece.data)
                yield piece
        except (Unread, Conflict):
            # It is paused, or has ended while it was read.
            pass
        else:
            return
    yield from cut(read_log(wire, home.container_id, execution_id), offset, most)


def ask(
    wire: Wire,
    home: Home,
    execution_id: str,
    offset: int,
    most: int,
    wait: Waiting,
    then: str = "",
    told: list[str] | None = None,
) -> Iterator[Piece]:
    """Its log by a command in the sandbox, which does what is to be done `then`; the lines of that go into `told`.

    Raises `Unread` where the sandbox cannot give all that there is.
    """
    words = (execution_id, str(offset), str(most), *wait.hundredths, then, *ROOTS)
    for shell in SHELLS:
        exec_id = create_exec(
            wire,
            home.container_id,
            (*shell, "-c", READER, "nexusctl", *words),
            env={},
            user=ROOT_USER,
            cwd="/",
            stdin=wait.hundredths[0] != "0",
        )
        try:
            with _start(wire, exec_id, wait.seconds) as answer:
                talk = _Talk(answer)
                while piece := talk.take():
                    yield piece
                if talk.ended and told is not None:
                    told += talk.read_rest()
        except EngineError as error:
            if error.status != 400:
                raise
            continue
        if talk.ended:
            if talk.ended == "lost":
                raise Unread
            return
        code = wait_for_exit_code(wire, exec_id)
        if code == ABSENT:
            raise no_such(execution_id)
        if code not in NO_COMMAND or talk.begun:
            break
    raise Unread


def _start(wire: Wire, exec_id: str, wait: float) -> Answer:
    # What reads ends when its own input does: so it ends with whoever follows, however that one ends.
    headers = {"Connection": "Upgrade", "Upgrade": "tcp"} if wait else {}
    silence = FOREVER if math.isinf(wait) else wait + LATE
    return wire.open("POST", f"/exec/{exec_id}/start", data=START, headers=headers, timeout=silence)


class _Talk:
    """What a reader says, as pieces; `ended` is why it has stopped, once it says so."""

    def __init__(self, answer: Answer) -> None:
        self._chunks = (chunk.data for chunk in split_frames(answer.read) if chunk.stream == "stdout")
        self._held = b""
        self._left = 0
        self._offset = 0
        self._stream: Stream = "stdout"
        self._after: float | None = None
        self.begun = False
        self.ended = ""

    def take(self) -> Piece | None:
        """The next piece as it comes, None at the end. Raises `EngineError` for what no reader says."""
        if not self._left:
            head = self._line()
            if not head:
                return None
            match = _HEAD.match(head)
            if match is None:
                raise EngineError("what the sandbox says of an execution's log cannot be read")
            begin, stream, length, after, lost, why, _ = match.groups()
            if why:
                self.ended = why.decode()
                return None
            if lost:
                return Piece(offset=int(lost), stream=None)
            self._offset, self._stream, self._left = int(begin), _STREAMS[stream], int(length)
            self._after = None if after is None else int(after) / 100
        if not self._held and not self._more():
            # The reader was cut off.
            return None
        data, self._held = self._held[: self._left], self._held[self._left :]
        piece = Piece(offset=self._offset, stream=self._stream, data=data, after=self._after)
        self._left -= len(data)
        self._offset += len(data)
        return piece

    def read_rest(self) -> list[str]:
        """The lines behind its last word."""
        while len(self._held) < LONGEST_REST and self._more():
            pass
        return self._held.decode(errors="replace").splitlines()

    def _line(self) -> bytes:
        while b"\n" not in self._held and len(self._held) < LONGEST_HEAD and self._more():
            pass
        line, sign, rest = self._held.partition(b"\n")
        if sign:
            self._held = rest
        return line + sign

    def _more(self) -> bool:
        data = next(self._chunks, b"")
        self._held += data
        self.begun = self.begun or bool(data)
        return bool(data)
