"""A stack file on its way to another text, with the files beside it, and the edits that take it there. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from nexusctl.api import workspace
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.values.frozen import dataclass

FILES = "files"
"""The folder beside a stack file in which what was uploaded is kept."""

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackDraft:
    """`text` is that of the stack file `path`; `files` are those that change with it, relative to its folder.

    `added` are sandboxes that are to be in the text and are written into it together, as that costs no more than one.
    `root` is the folder of uploads, and `dropped` are the sandboxes whose own there go.
    """

    path: Path
    text: str
    added: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    root: str = FILES
    dropped: frozenset[str] = frozenset()

    def settle(self) -> StackDraft:
        """The same with all that was `added` in the text. Raises `InputError` where it cannot be written there."""
        if not self.added:
            return self
        text = workspace.add_pairs(self.text, ("sandboxes",), self.added, display=str(self.path))
        return replace(self, text=text, added={})

    def names(self) -> frozenset[str]:
        """The sandboxes that the text declares. Raises `InputError` where it is no YAML."""
        declared = workspace.read_values(self.text, self.path).get("sandboxes")
        return frozenset([*(declared if isinstance(declared, dict) else ()), *self.added])

    def add(self, name: str, entry: Mapping[str, Any]) -> StackDraft:
        """The same with one more sandbox."""
        return replace(self, added={**self.added, name: entry})

    def set(self, place: Place, value: Any) -> StackDraft:
        """The same with `value` at `place`. Raises `InputError` where that cannot be written there."""
        whole = self.settle()
        return replace(whole, text=workspace.set_value(whole.text, place, value, display=str(self.path)))

    def append(self, place: Place, value: Any) -> StackDraft:
        """The same with one more item in the list at `place`. Raises `InputError`."""
        whole = self.settle()
        return replace(whole, text=workspace.append_item(whole.text, place, value, display=str(self.path)))

    def remove(self, place: Place) -> StackDraft:
        """The same without what is at `place`. Raises `InputError`."""
        whole = self.settle()
        return replace(whole, text=workspace.remove(whole.text, place, display=str(self.path)))

    def keep(self, name: str, content: bytes) -> StackDraft:
        """The same with the file `name` below the folder of uploads."""
        return replace(self, files={**self.files, f"{self.root}/{name}": content})

    def drop(self, name: str) -> StackDraft:
        """The same without the files that were uploaded into the sandbox `name`."""
        return replace(self, dropped=self.dropped | {name})

    def sandbox(self, name: str) -> Mapping[str, Any]:
        """What the text says of the sandbox `name`. Raises `InputError` where it is not in this very file."""
        if name in self.added:
            return self.added[name]
        declared = workspace.read_values(self.text, self.path).get("sandboxes")
        entry = declared.get(name) if isinstance(declared, dict) else None
        if not isinstance(entry, dict):
            hint = "the sandbox is declared in another file; a person edits that one"
            raise InputError(Diagnostic(f"`{self.path}` has no sandbox {name}", hint=hint))
        return entry


Edit = Callable[[StackDraft], StackDraft]
"""Raises `InputError` for what cannot be done to a draft."""
