"""The name of a stack whose file has to be made: that of its folder, or one that is free.

What is on the engine under a name belongs to the file that made it, and nobody else's apply may take it for its own.
"""

from __future__ import annotations

from nexusctl.api import connection, workspace
from nexusctl.errors import Diagnostic, InputError

LONGEST = 40
"""Characters of the name of a stack."""


class NameTaken(InputError):
    """Somebody else has made a stack of the name that was free a moment ago."""


class StackName:
    """`wanted` is what the stack is called where that is free."""

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        self._own: str | None = None

    def find(self) -> str:
        """The name, as it would be now. Raises `EngineError`."""
        return self._own or find_free(self.wanted, connection.connect().list_stacks())

    def guess(self) -> str:
        """What it will be called unless somebody else has that name; empty where it has a name already."""
        return "" if self._own else self.wanted

    def keep(self) -> str:
        """The same, and it stays so until it is let go. Raises `EngineError`."""
        self._own = self.find()
        return self._own

    def recall(self, name: str) -> None:
        """It was called `name` by a server before this one, which may have made something of it."""
        self._own = name

    def let_go(self) -> None:
        """Nothing of this stack is left, or the name is somebody else's."""
        self._own = None


def find_free(wanted: str, taken: frozenset[str]) -> str:
    """`wanted`, or that with the first number behind it with which it is not `taken`."""
    name, number = wanted, 2
    while name in taken:
        ending = f"-{number}"
        name, number = workspace.fit_name(wanted[: LONGEST - len(ending)] + ending), number + 1
    return name


def name_of_text(text: str, default: str) -> str:
    """What a text that the door has begun calls the stack."""
    found = (line.removeprefix("name: ") for line in text.splitlines() if line.startswith("name: "))
    return next(found, default)


def warn_of_name(name: str, wanted: str) -> tuple[Diagnostic, ...]:
    """A warning where the stack is not called as its folder has it."""
    if name == wanted:
        return ()
    summary = f"this stack is called {name}: a stack {wanted} is on the engine already, and another file made it"
    return (Diagnostic(summary, severity="warning"),)
