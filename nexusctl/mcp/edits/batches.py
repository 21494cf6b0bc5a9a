"""Group commit: calls that arrive while an apply runs are gathered into one edit and one apply.

Each caller gets an answer of its own, and one that fails spoils none of the others. Its edit is taken back, and so is
what was made of it.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from nexusctl.errors import Diagnostic, InputError, NexusError
from nexusctl.mcp.edits.apply_names import Applied, apply_names
from nexusctl.mcp.edits.draft import Edit
from nexusctl.mcp.edits.reaping import Reaping
from nexusctl.mcp.edits.stack_name import NameTaken
from nexusctl.mcp.edits.workspace import Workspace, Written
from nexusctl.model.plan.plan import Change

GATHERING = 0.03
"""Seconds without another request after which a batch begins."""

LONGEST_GATHERING = 0.5
"""Seconds after which it begins all the same."""

_AGAIN = "what the call has changed is taken back: call again"

_log = logging.getLogger(__name__)

Committed = Callable[[Sequence["Request"]], tuple[Diagnostic, ...]]
"""Told of each batch that has changed something, with those of its requests that are done; returns warnings."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Request:
    """One caller's `edit`, which is about `sandboxes` alone. `who` asks for it, and `title` says what it is.

    One that only `adds` can be made together with others of its kind.
    """

    sandboxes: tuple[str, ...]
    edit: Edit
    who: str
    title: str
    adds: bool = False
    done: Future[BatchResult] = field(default_factory=Future)


@dataclass(frozen=True, kw_only=True)
class BatchResult:
    """What the plan had for each sandbox of the request, and what should be known of it."""

    changes: dict[str, Change]
    warnings: tuple[Diagnostic, ...] = ()


class Batches:
    """One thread that makes all changes of a workspace; `submit` is for any thread.

    Of what is answered the last is from `ended`, by a clock that nobody sets.
    """

    def __init__(self, workspace: Workspace, committed: Committed = lambda _: ()) -> None:
        self._workspace = workspace
        self._committed = committed
        self._queue: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._reaping = Reaping(workspace)
        self.ended = 0.0
        self._thread = threading.Thread(target=self._work, name="batches")
        self._thread.start()

    def submit(self, request: Request) -> Future[BatchResult]:
        """What becomes of `request`: a result, or a `NexusError`."""
        self._queue.put(request)
        return request.done

    def close(self) -> None:
        """Finish what was submitted, and end."""
        self._queue.put(None)
        self._thread.join()
        self._reaping.close()

    def _work(self) -> None:
        self._recover()
        going = True
        while going:
            batch = self._gather()
            going = None not in batch
            requests = [request for request in batch if request is not None]
            for part in _part(requests):
                self._guard(part)

    def _gather(self) -> list[Request | None]:
        """What was submitted, and what comes right behind it: the calls of one message reach a server one by one."""
        batch = [self._queue.get()]
        end = time.monotonic() + LONGEST_GATHERING
        while batch[-1] is not None and time.monotonic() < end:
            try:
                batch.append(self._queue.get(timeout=GATHERING))
            except queue.Empty:
                break
        return batch

    def _recover(self) -> None:
        """Finish what servers before this one were killed in, or take it back."""
        try:
            for written, names in self._workspace.recall():
                self._finish(written, names)
        except Exception:
            # Calls are served all the same; a plan tells what is left.
            _log.exception("what a server before this one has begun is not finished")

    def _finish(self, written: Written, names: tuple[str, ...]) -> None:
        try:
            bad = tuple(self._apply_names(names).problems)
            if bad:
                self._workspace.take_back(written, None, bad)
                self._apply_names(bad)
            self._workspace.let_name_go()
        finally:
            written.clear()

    def _guard(self, requests: list[Request]) -> None:
        try:
            self._run(requests)
        except NexusError as error:
            self._fail(requests, error)
        except Exception as bug:
            self._fail(requests, bug)

    def _run(self, requests: list[Request]) -> None:
        written = self._workspace.write({request: request.edit for request in requests}, _names(requests))
        try:
            again = self._apply(requests, written)
            while again is None:
                written = self._rename(requests, written)
                again = self._apply(requests, written)
        finally:
            written.clear()
        for part in again:
            self._guard(part)

    def _rename(self, requests: list[Request], written: Written) -> Written:
        try:
            return self._workspace.rename(written, _names(requests))
        except NexusError:
            self._workspace.take_back(written, {}, _names(requests))
            raise

    def _apply(self, requests: list[Request], written: Written) -> list[list[Request]] | None:
        """Apply what was written; returns the requests that are to be tried again, in their batches.

        None where nothing was done, as the stack has to have another name.
        """
        for request in requests:
            if error := written.refused.get(request):
                self._settle(request, error)
        left = [request for request in requests if request not in written.refused]
        if not left:
            return []
        try:
            applied = self._apply_names(_names(left), begun=written.begun)
        except NameTaken:
            return None
        except NexusError as error:
            try:
                self._workspace.take_back(written, {}, _names(left))
            except NexusError as kept:
                raise InputError(*error.diagnostics, *_not_taken_back(kept.diagnostics)) from None
            if len(left) == 1:
                raise
            # One of them is the reason, and the others shall not suffer for it.
            half = len(left) // 2
            return [left[:half], left[half:]]
        bad = [request for request in left if set(request.sandboxes) & applied.problems.keys()]
        good = [request for request in left if request not in bad]
        again = self._undo(written, good, bad, applied) if bad else []
        for name in written.dropped.intersection(_names(good)):
            self._workspace.forget_files(name)
        warnings = (*written.notices, *self._committed(good), *self._reaping.problems) if good else ()
        for request in good:
            self._answer(request, applied, warnings)
        return again

    def _apply_names(self, names: Iterable[str], *, begun: bool = False) -> Applied:
        return apply_names(self._workspace, names, self._reaping.keep, begun=begun)

    def _undo(self, written: Written, good: list[Request], bad: list[Request], applied: Applied) -> list[list[Request]]:
        """Take back what `bad` wanted, and what was made of it; returns what is to be tried again, one by one."""
        notes: tuple[Diagnostic, ...] = ()
        try:
            self._workspace.take_back(written, {request: request.edit for request in good}, _names(bad))
            rest = self._apply_names(_names(bad))
            notes = tuple(problem for problems in rest.problems.values() for problem in problems)
            if not notes:
                self._workspace.let_name_go()
        except NexusError as error:
            notes = error.diagnostics
        shared = [
            request
            for request in bad
            if any(set(request.sandboxes) & set(other.sandboxes) for other in bad if other is not request)
        ]
        for request in bad:
            if request in shared and not notes:
                continue
            problems = [problem for name in request.sandboxes for problem in applied.problems.get(name, ())]
            self._settle(
                request, InputError(*(problems if notes else map(_for_callers, problems)), *_not_taken_back(notes))
            )
        return [] if notes else [[request] for request in shared]

    def _answer(self, request: Request, applied: Applied, more: tuple[Diagnostic, ...]) -> None:
        changes = {name: applied.changes[name] for name in request.sandboxes if name in applied.changes}
        warnings = tuple(problem for name in request.sandboxes for problem in applied.warnings.get(name, ()))
        if not request.done.done():
            self.ended = time.monotonic()
            request.done.set_result(BatchResult(changes=changes, warnings=(*warnings, *more)))

    def _settle(self, request: Request, error: BaseException) -> None:
        if not request.done.done():
            self.ended = time.monotonic()
            request.done.set_exception(error)

    def _fail(self, requests: Sequence[Request], error: BaseException) -> None:
        for request in requests:
            self._settle(request, error)


def _for_callers(problem: Diagnostic) -> Diagnostic:
    """With what its caller can do: nothing is left that has logs, or that a next apply could carry on from."""
    parts = (problem.hint or "").split("; ")
    left = [part for part in parts if "next apply" not in part and "`nexusctl logs" not in part]
    hint = "; ".join(left).replace("apply again", "call again")
    return replace(problem, hint="; ".join(filter(None, (hint, _AGAIN if left != parts else ""))) or None)


def _not_taken_back(notes: Sequence[Diagnostic]) -> list[Diagnostic]:
    hint = "`nexusctl plan` shows what is left"
    return [replace(note, summary=f"not taken back: {note.summary}", hint=note.hint or hint) for note in notes]


def _part(requests: list[Request]) -> list[list[Request]]:
    """`requests` in batches in which none is about the same sandbox as another, unless both only add to it."""
    parts: list[list[Request]] = []
    last: dict[str, tuple[int, bool]] = {}
    for request in requests:
        at = 0
        for name in request.sandboxes:
            if name in last:
                index, adds = last[name]
                at = max(at, index if adds and request.adds else index + 1)
        for name in request.sandboxes:
            last[name] = (at, request.adds)
        parts += [[] for _ in range(at + 1 - len(parts))]
        parts[at].append(request)
    return parts


def _names(requests: Sequence[Request]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for request in requests for name in request.sandboxes))
