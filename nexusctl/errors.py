"""Every error that a user can meet, and the value that describes one problem.

    NexusError                    exit 1; carries one or more diagnostics
    ├── InputError                the stack file, a template or a flag is wrong; nothing was touched
    │   └── EditError            what is to be changed in a file cannot be changed alone; the file is as it was
    ├── PlanError                 the file is right, but what is live forbids the change
    ├── LockHeld                  somebody else changes this stack now
    ├── LockLost                  the lock of this stack was taken away while it was held
    ├── StepError                 one step of an apply failed; others may have gone on
    │   └── SourceChanged         a file here is not the one any more that was planned with
    └── EngineError               the engine said no, or said nothing
        ├── EngineUnreachable     no answer: refused, timed out, or cut off in mid-reply
        │   └── UnsupportedEngine something answers that is no Docker Engine
        ├── NotFound              404
        └── Conflict              409

Anything else that escapes is a bug of nexusctl: the boundary in `cli/exit_codes.py` writes a log file and exits 70.
"""

from __future__ import annotations

from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __lt__(self, other: Location) -> bool:
        return (self.file, self.line, self.column) < (other.file, other.line, other.column)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Note:
    """A second place that belongs to a problem, such as the first of two duplicate keys."""

    text: str
    location: Location | None = None
    excerpt: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem, in the words that a user reads.

    `summary` says what is wrong in one line, `excerpt` is the source line at `location`,
    `hint` says what to do, `output` is the last lines of a tool that failed.
    """

    summary: str
    location: Location | None = None
    excerpt: str | None = None
    hint: str | None = None
    notes: tuple[Note, ...] = ()
    output: tuple[str, ...] = ()
    sandbox: str | None = None
    severity: str = "error"


class NexusError(Exception):
    """The root of every error that is shown to a user as diagnostics."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(d.summary for d in diagnostics))
        self.diagnostics = diagnostics


class InputError(NexusError):
    """What the user wrote cannot be used; nothing was changed anywhere."""


class EditError(InputError):
    """What is to be changed in a stack file is shared, is not there, or cannot be read; nothing was written."""


class PlanError(NexusError):
    """What is live forbids the desired state, such as a foreign container under a needed name."""


class LockHeld(NexusError):
    """Another nexusctl holds the lock of this stack."""


class LockLost(NexusError):
    """The lock of this stack was taken away while it was held, so somebody else may be changing it."""


class StepError(NexusError):
    """One step failed; the diagnostic names the sandbox and shows the tool's last lines."""


class SourceChanged(StepError):
    """A file of this machine that is uploaded is not the one any more that was planned with; the next plan has it."""


class EngineError(NexusError):
    """The engine refused a call; `status` is its HTTP status, 0 where there was no answer."""

    def __init__(self, summary: str, *, status: int = 0, hint: str | None = None) -> None:
        super().__init__(Diagnostic(summary, hint=hint))
        self.summary = summary
        self.status = status


class EngineUnreachable(EngineError):
    """No answer at all: whether the call had an effect is unknown."""


class UnsupportedEngine(EngineUnreachable):
    """What answers speaks the API of Docker Engine, but does not do what it promises."""


class NotFound(EngineError):
    """The engine knows no such object."""


class Conflict(EngineError):
    """A name or a state is in the way."""


def is_out_of_space(error: EngineError) -> bool:
    """Whether the engine refused something because its disk, or its share of it, is full."""
    text = str(error).lower()
    return not isinstance(error, EngineUnreachable) and ("no space left" in text or "quota exceeded" in text)
