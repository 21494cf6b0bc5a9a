"""What a tool said last, told while it works."""

from __future__ import annotations

import re

from nexusctl.engine.base import Report

_WIDEST = 200
_ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class LastLine:
    """Takes output as it comes, and tells of `doing` with the last line of each piece."""

    def __init__(self, report: Report, doing: str) -> None:
        self._report = report
        self._doing = doing
        self._rest = b""

    def take(self, data: bytes) -> None:
        *lines, self._rest = re.split(rb"[\r\n]+", self._rest[-_WIDEST:] + data)
        full = [line for line in (_ESCAPES.sub(b"", line).strip() for line in lines[-3:]) if line]
        if full:
            self._report(f"{self._doing}\n{full[-1][:_WIDEST].decode(errors='replace')}")
