"""What to run inside a sandbox, with somebody who watches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import BinaryIO

from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run inside a sandbox, with the streams that it reads and writes.

    None for `working_dir` and `user` takes the sandbox's own. `timeout` is in seconds; None lets it run to its end.
    """

    argv: tuple[str, ...]
    stdout: BinaryIO
    stderr: BinaryIO
    stdin: BinaryIO | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str | None = None
    user: str | None = None
    tty: bool = False
    timeout: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command inside a sandbox gave; `output` is stdout and stderr as they came, as text."""

    exit_code: int
    output: str
    timed_out: bool = False
