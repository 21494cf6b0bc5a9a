"""The stack file that the door edits: made where it is missing, replaced as a whole, valid at every moment."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, replace
from pathlib import Path

from nexusctl.api import connection, planning, subject, workspace
from nexusctl.errors import Diagnostic, InputError, NexusError
from nexusctl.mcp.edits import journal
from nexusctl.mcp.edits.draft import FILES, Edit, StackDraft
from nexusctl.mcp.edits.hand_edits import restore
from nexusctl.mcp.edits.stack_name import StackName, name_of_text, warn_of_name
from nexusctl.mcp.edits.stored_files import StoredFiles, write_file
from nexusctl.model.load_request import Inputs
from nexusctl.model.plan.plan import Plan
from nexusctl.model.stack import Stack
from nexusctl.model.values.frozen import dataclass

SAVES = 20
"""So often an edit is made anew because somebody has saved the file meanwhile."""

_HEADER = "# Kept by `nexusctl mcp`: agents' sandboxes. `nexusctl plan` shows what applying it would change.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of edits: the texts `before` and `after`, who was refused and why, and the former `files`.

    `before` is None where there was no file, and so is a file of `files` that was not there. `dropped` are sandboxes
    whose uploads nobody needs once they are gone. `begun` says that the stack got its name with it, and `notices` are
    what should be known of that.
    """

    before: str | None
    after: str
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()
    refused: Mapping[Hashable, NexusError] = field(default_factory=dict)
    note: journal.PendingEntry | None = None
    begun: bool = False
    notices: tuple[Diagnostic, ...] = ()

    def clear(self) -> None:
        """Forget it: all is done, or was taken back."""
        if self.note:
            self.note.clear()


class Workspace:
    """One stack file, `path`, and all that lies beside it.

    `name` is the stack's where the file has to be made, unless another file has made a stack of that name.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self._name = StackName(name)
        self._files = StoredFiles(path)
        self._known: tuple[tuple[int, int, int], subject.Subject] | None = None
        self._checked: tuple[str, Stack] | None = None

    @property
    def inputs(self) -> Inputs:
        """What is loaded."""
        return Inputs(files=(self.path,))

    def read(self) -> str | None:
        """The text of the stack file, None where there is none yet. Raises `InputError` where it cannot be read."""
        try:
            return self.path.read_bytes().decode()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
            raise InputError(
                Diagnostic(f"`{self.path}` cannot be read: {why}", hint="a person has to mend it")
            ) from None

    def stack(self) -> Stack:
        """The stack as far as it can be read; one without sandboxes where there is no file. Raises `InputError`."""
        return self.subject().stack

    def glance(self) -> subject.Subject:
        """The same for whoever looks often, with what is wrong with the rest of the file, which is not read again as
        long as nobody has replaced it. Raises `InputError`.
        """
        if known := self.recognize():
            return known
        sign, about = self._sign(), self.subject()
        # What other files say of it may change without it.
        if sign and "include" not in (self.read() or "include"):
            self._known = (sign, about)
        return about

    def recognize(self) -> subject.Subject | None:
        """What `glance` gives where it costs nothing; None where the file has to be read for it."""
        return self._known[1] if self._known and self._known[0] == self._sign() else None

    def guess(self) -> subject.Subject | None:
        """Of a stack that nobody has begun: nothing, by the name that it would have. The engine is not asked whether
        that is free. None for any other stack.
        """
        name = "" if self.path.exists() else self._name.guess()
        return subject.Subject(stack=planning.empty_stack(name)) if name else None

    def _remember(self, text: str) -> None:
        """What was checked is what a look would read now, which costs as much again."""
        checked, sign = self._checked, self._sign()
        if sign and checked and checked[0] == text and "include" not in text and self.read() == text:
            self._known = (sign, subject.Subject(stack=checked[1]))

    def _sign(self) -> tuple[int, int, int] | None:
        """By what another file at its place is told from it; None where there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def subject(self) -> subject.Subject:
        """The same, with what is wrong with the rest."""
        if not self.path.exists():
            return subject.Subject(stack=planning.empty_stack(self._name.find()))
        return subject.read_subject(self.inputs, None)

    def write(self, edits: Mapping[Hashable, Edit], names: Iterable[str]) -> Written:
        """Make all of `edits` that can be made, one after the other, and replace the file.

        They are about the sandboxes `names`. What is done is noted until the caller clears the note. Raises
        `InputError` where the file cannot be read or written at all.
        """
        with self._alone():
            if begun := _is_blank(self.read()):
                self._name.keep()
            before, draft, refused = self._settle_now(edits)
            if len(refused) == len(edits):
                return Written(before=before, after=draft.text, refused=refused)
            files = self._files.look_at(draft.files)
            entry = journal.JournalEntry(before=before, after=draft.text, names=tuple(names), files=files)
            note = journal.write(self.path, entry)
            try:
                self._files.store(draft.files)
                if draft.text != before:
                    workspace.replace_file(self.path, draft.text)
                    self._remember(draft.text)
            except BaseException:
                note.clear()
                raise
        return Written(
            before=before,
            after=draft.text,
            files=files,
            dropped=draft.dropped,
            refused=refused,
            note=note,
            begun=begun,
            notices=warn_of_name(self._name.find(), self._name.wanted) if begun else (),
        )

    def rename(self, written: Written, names: Iterable[str]) -> Written:
        """Give the stack another name in the file that was `written`: somebody else has made one of its name.

        Raises `NexusError`.
        """
        with self._alone():
            former = self._name.find()
            self._name.let_go()
            name, now = self._name.keep(), self.read() or ""
            opening = self._opening(former)
            if now.startswith(opening):
                text = self._opening(name) + now.removeprefix(opening)
            else:
                text = workspace.set_value(now, ("name",), name, display=str(self.path))
            entry = journal.JournalEntry(before=written.before, after=text, names=tuple(names), files=written.files)
            note = journal.write(self.path, entry)
            written.clear()
            workspace.replace_file(self.path, text)
        return replace(written, after=text, note=note, notices=warn_of_name(name, self._name.wanted))

    def let_name_go(self) -> None:
        """Nothing is left of what was begun: whoever makes the file next looks for a name anew."""
        if not self.path.exists():
            self._name.let_go()

    def recall(self) -> Iterator[tuple[Written, tuple[str, ...]]]:
        """What servers that are dead were about to do, with the sandboxes that it is about."""
        for note, entry in journal.find_left(self.path):
            if _is_blank(entry.before):
                self._name.recall(name_of_text(entry.after, self._name.wanted))
            yield Written(before=entry.before, after=entry.after, files=entry.files, note=note), entry.names

    def take_back(self, written: Written, without: Mapping[Hashable, Edit] | None, names: Iterable[str]) -> None:
        """Undo what was `written` but for the edits `without`, of the sandboxes `names`; None for all other edits.

        What somebody else wrote meanwhile stays. Raises `InputError` where that is in the way.
        """
        with self._alone():
            now = self.read()
            if now == written.after and without is not None:
                draft, _ = self._settle(StackDraft(path=self.path, text=self._begin(written.before)), without)
                text = draft.text
            else:
                text = restore(now or "", self._begin(written.before), written.after, names, self.path)
            kept = {name for name in written.files if any(_is_of(name, one) for one in names)}
            self._files.put_back({name: content for name, content in written.files.items() if name in kept})
            if now == written.after and written.before is None and without == {}:
                self.path.unlink(missing_ok=True)
            elif text != now:
                workspace.replace_file(self.path, text)

    def preview(self, edit: Edit) -> Plan:
        """The plan that would follow from `edit`; everything stays as it is. Raises `NexusError`."""
        before = self.read()
        with tempfile.TemporaryDirectory(prefix=".nexusctl-plan-", dir=self.path.absolute().parent) as folder:
            draft = edit(StackDraft(path=self.path, text=self._begin(before), root=os.path.basename(folder))).settle()  # noqa: PTH119
            for name, content in draft.files.items():
                write_file(self.path.absolute().parent / name, content)
            stack = workspace.load_text(draft.text, self.path)
            return planning.prepare(connection.connect(), stack).plan

    def _settle_now(self, edits: Mapping[Hashable, Edit]) -> tuple[str | None, StackDraft, dict[Hashable, NexusError]]:
        """What the file says, and what it becomes of that; an editor that saves it meanwhile asks nobody."""
        for _ in range(SAVES):
            before = self.read()
            draft, refused = self._settle(StackDraft(path=self.path, text=self._begin(before)), edits)
            if self.read() == before:
                return before, draft, refused
        hint = "end what saves it again and again, then try again"
        raise InputError(Diagnostic(f"`{self.path}` changes all the time", hint=hint))

    def _begin(self, before: str | None) -> str:
        return self._opening(self._name.find()) if _is_blank(before) else before or ""

    def _opening(self, name: str) -> str:
        """What a new file begins with."""
        wanted = self._name.wanted
        why = "" if name == wanted else f"# Another file has made a stack {wanted} on the engine, so this is {name}.\n"
        return f"{_HEADER}{why}name: {name}\n"

    def _settle(
        self, start: StackDraft, edits: Mapping[Hashable, Edit]
    ) -> tuple[StackDraft, dict[Hashable, NexusError]]:
        """`start` after as many of `edits` as make a file that can be loaded, and why the others were refused."""
        draft, refused, made = start, {}, {}
        for key, edit in edits.items():
            try:
                draft = edit(draft)
                made[key] = edit
            except NexusError as error:
                refused[key] = error
        if not made:
            return start, refused
        try:
            draft = draft.settle()
            self._check(start, draft)
        except NexusError as error:
            if len(made) == 1:
                return start, {**refused, next(iter(made)): error}
            keys = list(made)
            half = len(keys) // 2
            for part in (keys[:half], keys[half:]):
                start, more = self._settle(start, {key: made[key] for key in part})
                refused |= more
            return start, refused
        return draft, refused

    def _check(self, start: StackDraft, draft: StackDraft) -> None:
        """Raise `InputError` where `draft` is no stack; one that `start` was not either is a person's to mend."""
        with self._files.stored(draft.files):
            try:
                self._checked = draft.text, workspace.load_text(draft.text, self.path)
            except InputError:
                if start.text.strip() and self.path.exists() and not self._is_whole(start):
                    self._check_parts(draft)
                    return
                raise

    def _is_whole(self, draft: StackDraft) -> bool:
        try:
            workspace.load_text(draft.text, self.path)
        except InputError:
            return False
        return True

    def _check_parts(self, draft: StackDraft) -> None:
        """The same where the file has mistakes that others made: those of before do not count."""
        former = {problem.summary for problem in _mistakes(self.path, self.read() or "")}
        new = [problem for problem in _mistakes(self.path, draft.text) if problem.summary not in former]
        if new:
            raise InputError(*new)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            with workspace.alone_with(self.path):
                yield
        except OSError as error:
            where = error.filename or self.path
            raise InputError(
                Diagnostic(f"`{where}` cannot be written: {error.strerror}", hint="check its permissions and the disk")
            ) from None

    def forget_files(self, name: str) -> None:
        """Remove what was uploaded into the sandbox `name`, which is gone, unless the file speaks of it still."""
        if f"{FILES}/{name}/" not in (self.read() or ""):
            self._files.remove_folder(f"{FILES}/{name}")


def _is_blank(text: str | None) -> bool:
    return text is None or not text.strip()


def _mistakes(path: Path, text: str) -> tuple[Diagnostic, ...]:
    try:
        workspace.load_text(text, path)
    except InputError as error:
        return error.diagnostics
    return ()


def _is_of(file: str, sandbox: str) -> bool:
    return file.split("/")[1:2] == [sandbox]
