"""What was edited inside of a sandbox, brought back to where its uploads come from. All of it is a sandbox's word."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from posixpath import dirname, normpath
from tempfile import TemporaryDirectory

from nexusctl.api import connection, execution, subject
from nexusctl.api.apply import Terms
from nexusctl.api.editing.source_folder import SourceFolder
from nexusctl.api.everyday.states import find_named
from nexusctl.config.build.files.digests import COUNT_LIMIT, TOTAL_LIMIT
from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, InputError, NotFound, StepError
from nexusctl.model.load_request import Inputs
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.plan.event import Failed
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.model.uploads_and_packages import Upload, UploadFile
from nexusctl.model.values.checksum import sha256_file
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.commands.edited.pull import (
    Edited,
    Pulled,
    find_edited,
    is_declared,
    is_program,
    list_targets,
    narrow_to_uploads,
    plan_record,
)
from nexusctl.plan.compare.ignored_files import SELF_MADE, IgnoredFiles
from nexusctl.plan.compare.paths import place

__all__ = ["Pulled", "pull"]

MANY = 16
"""Files of one upload that are read one by one; of more all that lies around them is read once."""

MOST_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """`content` is the file that was read, None for a link, a folder and what is no more inside."""

    path: str
    upload: Upload
    below: str
    recorded: UploadFile | None
    kind: str
    content: Path | None = None
    program: bool = False
    link: str = ""

    @property
    def source(self) -> str:
        assert self.upload.source is not None
        return self.upload.source

    @property
    def local(self) -> str:
        return f"{self.source}/{self.below}" if self.below else self.source


def pull(
    inputs: Inputs, name: str, path: str, terms: Terms, agree: Callable[[Pulled], bool], *, force: bool = False
) -> Pulled | None:
    """Bring what was edited inside of the sandbox `name`, at `path` and below, to the sources of its uploads.

    `agree` sees what that means before anything is written; None where it says no. What was edited here as well is
    refused before that, unless `force` is given. Then the record of the sandbox says that it is as it is here, so that
    a plan is empty. Raises `InputError`, `EngineError`, `LockHeld`.
    """
    stack = subject.read_for_one(inputs, name, terms.report)
    engine = connection.connect()
    with (
        connection.hold_lock(engine, stack.name, timeout=terms.lock_timeout, report=terms.report),
        TemporaryDirectory(prefix="nexusctl-pull-") as spool,
    ):
        found, desired = _find_sandbox(engine, stack, name)
        wanted = _find_path(desired, path)
        looked = engine.look_inside(
            replace(engine.observe(Stack(name=stack.name)), sandboxes=(narrow_to_uploads(found, desired, wanted),))
        )
        if not looked.sandboxes:
            raise NotFound(f"{found.sandbox} has gone meanwhile", status=404)
        reading = _Reading(engine, found, desired, Path(spool))
        taken = reading.read(tuple(find_edited(desired, looked.sandboxes[0], wanted)))
        changing, settled = _compare(found.sandbox, taken, force=force)
        told = _tell(found.sandbox, changing, tuple(reading.left))
        if not told.empty and not agree(told):
            return None
        for each in sorted(changing, key=lambda each: each.path, reverse=True):
            _write(each)
        if paths := {above for each in (*changing, *settled) for above in _with_folders(each)}:
            _record(engine, stack.name, found, subject.read_for_one(inputs, name).sandboxes[found.sandbox], paths)
    return told


def _find_sandbox(engine: Engine, stack: Stack, name: str) -> tuple[LiveSandbox, Sandbox]:
    chosen = find_named(engine, stack, name)
    if len(chosen) > 1:
        names = ", ".join(live.sandbox for live in chosen)
        raise InputError(Diagnostic(f"{name} means several sandboxes: {names}", hint="files come back from one"))
    found = chosen[0]
    if found.sandbox not in stack.sandboxes:
        raise InputError(
            Diagnostic(f"the file declares no sandbox {found.sandbox}, so nothing says where its files go")
        )
    if found.record is None or found.unsure:
        raise InputError(
            Diagnostic(f"nobody knows what was last uploaded to {found.sandbox}", hint="`nexusctl apply` first")
        )
    return found, stack.sandboxes[found.sandbox]


def _find_path(desired: Sandbox, path: str) -> str:
    """As it is absolute inside; empty for all of its uploads."""
    targets = list_targets(desired)
    if not targets:
        raise InputError(Diagnostic(f"{desired.name} has no uploads from this machine"))
    if not path:
        return ""
    whole = normpath(path if path.startswith("/") else f"{desired.working_dir or ''}/{path}")
    if not is_declared(desired, whole):
        hint = f"its uploads go to {', '.join(targets)}; `nexusctl cp` copies anything"
        raise InputError(Diagnostic(f"{whole} is no upload of {desired.name}", hint=hint, sandbox=desired.name))
    return whole


class _Reading:
    """Reads what was edited into files of this machine, up to the bounds of an upload."""

    def __init__(self, engine: Engine, found: LiveSandbox, desired: Sandbox, spool: Path) -> None:
        self._engine, self._id, self._spool = engine, found.id, spool
        self._ignored = IgnoredFiles(desired.uploads)
        self._bytes, self._entries = TOTAL_LIMIT, COUNT_LIMIT
        self.left: list[str] = []

    def read(self, edited: tuple[Edited, ...]) -> tuple[_Taken, ...]:
        """What may be taken of it; phrases for the rest are in `left`."""
        files: dict[str, list[Edited]] = {}
        taken: list[_Taken] = []
        for each in edited:
            if problem := _find_obstacle(each):
                self.left.append(f"{each.path} {problem}")
            elif each.added == "folder":
                taken += self._read_folder(each)
            elif each.added or (each.inside and each.inside.kind == "file"):
                files.setdefault(each.upload.target, []).append(each)
            else:
                kind = each.inside.kind if each.inside else "absent"
                taken.append(_take(each, kind, link=each.inside.link if each.inside else ""))
        for target, group in files.items():
            taken += self._read_files(target, group)
        return tuple(taken)

    def _read_files(self, target: str, group: list[Edited]) -> Iterator[_Taken]:
        if len(group) > MANY:
            wanted = {each.below: each for each in group}
            for entry in self._engine.fetch(self._id, target):
                if entry.path in wanted and entry.kind == "file":
                    each = wanted.pop(entry.path)
                    yield _take(each, "file", content=self._keep(entry.size, entry.pieces), mode=entry.mode)
            group = [*wanted.values()]
        for each in group:
            try:
                entry = next(iter(self._engine.fetch(self._id, each.path)))
            except (NotFound, StopIteration):
                self.left.append(f"{each.path} has gone meanwhile")
                continue
            if entry.kind != "file":
                self.left.append(f"{each.path} is a link or a special file")
                continue
            yield _take(each, "file", content=self._keep(entry.size, entry.pieces), mode=entry.mode)

    def _read_folder(self, each: Edited) -> Iterator[_Taken]:
        yield _take(each, "folder")
        skipped: list[str] = []
        for entry in self._engine.fetch(self._id, each.path):
            if not entry.path:
                continue
            path, below = f"{each.path}/{entry.path}", f"{each.below}/{entry.path}"
            kind = "folder" if entry.kind == "folder" else "file"
            if not SELF_MADE.isdisjoint(entry.path.split("/")) or self._ignored.match(path, kind):
                continue
            if any(path.startswith(f"{above}/") for above in skipped):
                continue
            if entry.kind == "other" or not _is_fit(below):
                skipped.append(path)
                self.left.append(f"{path} {_UNFIT if entry.kind != 'other' else 'is a link or a special file'}")
                continue
            content = self._keep(entry.size, entry.pieces) if entry.kind == "file" else None
            inner = replace(each, path=path, below=below)
            yield _take(inner, entry.kind, content=content, mode=entry.mode)

    def _keep(self, size: int, pieces: Iterable[bytes]) -> Path:
        self._bytes, self._entries = self._bytes - size, self._entries - 1
        if self._bytes < 0 or self._entries < 0:
            raise InputError(
                Diagnostic(
                    f"what was edited inside is more than {TOTAL_LIMIT // 1024**2} MiB or {COUNT_LIMIT:,} files",
                    hint="name a path with less in it, or copy it with `nexusctl cp`",
                )
            )
        path = self._spool / str(self._entries)
        with path.open("xb") as out:
            out.writelines(pieces)
        return path


_UNFIT = "has a name that nothing is brought back by"


def _find_obstacle(each: Edited) -> str:
    """Why it stays inside; empty where it can be taken."""
    inside, recorded = each.inside, each.recorded
    if not _is_fit(each.below):
        return _UNFIT
    if inside is None:
        return ""
    if inside.kind not in ("file", "folder", "link"):
        return "could not be read in time" if inside.kind == "unread" else "is a special file"
    if recorded and (inside.kind == "folder") != (recorded.kind == "folder"):
        return f"is a {inside.kind} by now, and was a {recorded.kind}"
    if inside.kind == "link" and (inside.link.startswith("/") or _leaves(each.below, inside.link)):
        return f"is a link that leads outside, to {inside.link}"
    return ""


def _leaves(below: str, link: str) -> bool:
    return not link or not below or normpath(f"{dirname(below)}/{link}".lstrip("/")).split("/", 1)[0] == ".."


def _is_fit(below: str) -> bool:
    """Whether something of that name may be written here: nothing that leads upwards, nor what git would obey."""
    if not below:
        return True
    try:
        below.encode()
    except UnicodeEncodeError:
        return False
    parts = below.split("/")
    return not any(part in ("", ".", "..") or part.lower() == ".git" or "\0" in part for part in parts)


def _take(each: Edited, kind: str, *, content: Path | None = None, mode: int = 0, link: str = "") -> _Taken:
    return _Taken(
        path=each.path,
        upload=each.upload,
        below=each.below,
        recorded=each.recorded,
        kind=kind,
        content=content,
        program=is_program(mode),
        link=link,
    )


def _compare(sandbox: str, taken: tuple[_Taken, ...], *, force: bool) -> tuple[list[_Taken], list[_Taken]]:
    """What has to be written, and what is here already. Raises `InputError` for what was edited here as well."""
    changing, settled, refused = [], [], []
    for each in taken:
        try:
            here = SourceFolder(each.source).digest(each.below)
        except OSError as error:
            refused.append(Diagnostic(f"{each.local} cannot be reached: {(error.strerror or str(error)).lower()}"))
            continue
        inside, recorded = _content(each), _recorded(each.recorded)
        if here == inside and not (each.content and _is_other_mode(each)):
            settled.append(each)
        elif force or here in (recorded, inside) or (here is None and each.recorded is None):
            changing.append(each)
        else:
            hint = "`--force` takes what is inside; `nexusctl apply` what is here"
            refused.append(Diagnostic(f"{each.local} was edited here and inside of {sandbox}", hint=hint))
    if refused:
        more = len(refused) - MOST_NAMED
        rest = (Diagnostic(f"so were {more:,} more files"),) if more > 0 else ()
        raise InputError(*refused[:MOST_NAMED], *rest)
    return changing, settled


def _content(each: _Taken) -> str | None:
    if each.content:
        with each.content.open("rb") as file:
            return sha256_file(file)
    return {"link": f"-> {each.link}", "folder": "folder"}.get(each.kind)


def _recorded(file: UploadFile | None) -> str | None:
    if file is None:
        return None
    return {"link": f"-> {file.link}", "folder": "folder"}.get(file.kind, file.digest)


def _is_other_mode(each: _Taken) -> bool:
    return (
        each.recorded is not None
        and each.recorded.mode in (0o644, 0o755)
        and (is_program(each.recorded.mode) != each.program)
    )


def _write(each: _Taken) -> None:
    folder = SourceFolder(each.source)
    try:
        if each.content:
            folder.write(each.below, each.content, program=each.program)
        elif each.kind == "link":
            folder.link(each.below, each.link)
        elif each.kind == "folder":
            folder.make_folder(each.below)
        elif not folder.remove(each.below) and each.recorded and each.recorded.kind != "folder":
            raise InputError(Diagnostic(f"{each.local} cannot be removed"))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(Diagnostic(f"{each.local} cannot be written: {reason}")) from None


def _tell(sandbox: str, changing: list[_Taken], left: tuple[str, ...]) -> Pulled:
    files = [each for each in changing if each.kind != "folder"]
    removed = [each for each in files if each.kind == "absent"]
    kept = [each for each in files if each.kind != "absent"]
    return Pulled(
        sandbox=sandbox,
        changed=tuple(sorted(each.local for each in kept if each.recorded)),
        added=tuple(sorted(each.local for each in kept if not each.recorded)),
        removed=tuple(sorted(e.local for e in removed if not e.recorded or e.recorded.kind != "folder")),
        left=left,
    )


def _with_folders(each: _Taken) -> Iterator[str]:
    """Its path, and those of the folders that it came with."""
    yield each.path
    below = dirname(each.below)
    while each.recorded is None and below:
        yield place(each.upload.target, below)
        below = dirname(below)


def _record(engine: Engine, stack: str, found: LiveSandbox, desired: Sandbox, paths: Iterable[str]) -> None:
    for event in execution.apply(engine, plan_record(stack, found, desired, paths), execution.Interrupt()):
        if isinstance(event, Failed):
            raise StepError(event.problem)
