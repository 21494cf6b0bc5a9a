"""What of a sandbox's uploads was changed inside, and the plan that records it once it is here. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from nexusctl.model.observed.live import LiveFile, LiveSandbox
from nexusctl.model.plan.plan import Change, Difference, Plan
from nexusctl.model.plan.step import UpdateContainer
from nexusctl.model.plan.step_id import step_id
from nexusctl.model.stack import Sandbox
from nexusctl.model.uploads_and_packages import Upload, UploadFile
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.compare.ignored_files import IgnoredFiles
from nexusctl.plan.compare.paths import place

_SHARED = (0o644, 0o755)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """One path that is not as it was uploaded: `upload` is what the file declares, `below` the path in it.

    `recorded` is what was uploaded, `inside` what lies in the sandbox; each None
    where nothing does, and `inside` of a file that was `added` is not known before it is read.
    """

    path: str
    upload: Upload
    below: str
    recorded: UploadFile | None = None
    inside: LiveFile | None = None
    added: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """Files of this machine by what becomes of them, and phrases for what is `left` as it is here."""

    sandbox: str
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.changed or self.added or self.removed)


def narrow_to_uploads(found: LiveSandbox, desired: Sandbox, path: str) -> LiveSandbox:
    """`found` with no more in its record than what comes from this machine at `path` and below, to be looked into."""
    record = found.record
    assert record is not None
    targets = list_targets(desired)
    uploads = (
        replace(upload, files=tuple(f for f in upload.files if _lies_at(place(upload.target, f.path), path)))
        for upload in record.uploads
        if upload.target in targets
    )
    kept = tuple(upload for upload in uploads if upload.files)
    return replace(found, record=replace(record, uploads=kept, packages=(), secrets=(), mounts=()))


def list_targets(sandbox: Sandbox) -> tuple[str, ...]:
    """Where its uploads from this machine lie."""
    return tuple(dict.fromkeys(upload.target for upload in sandbox.uploads if upload.source))


def is_declared(sandbox: Sandbox, path: str) -> bool:
    """Whether an upload from this machine lies at `path`, above it or below it."""
    return any(_lies_at(target, path) or _lies_at(path, target) for target in list_targets(sandbox))


def find_edited(desired: Sandbox, found: LiveSandbox, path: str) -> Iterator[Edited]:
    """What was changed, removed or added inside at `path` and below; `found` is narrowed, and was looked into."""
    inside, record = found.interior, found.record
    if inside is None or record is None:
        return
    for recorded in record.uploads:
        for file in recorded.files:
            where = place(recorded.target, file.path)
            seen = inside.files.get(where)
            upload = _find_upload(desired, recorded.target, file.path)
            if upload and (seen is None or not _is_same(file, seen)):
                yield Edited(path=where, upload=upload, below=file.path, recorded=file, inside=seen)
    ignored = IgnoredFiles(desired.uploads)
    for where, kind in sorted(inside.added.items()):
        target = max((t for t in list_targets(desired) if where.startswith(f"{t}/")), key=len, default="")
        below = where.removeprefix(f"{target}/")
        upload = _find_upload(desired, target, below)
        if upload and _lies_at(where, path) and not ignored.match(where, kind):
            yield Edited(path=where, upload=upload, below=below, added=kind)


def plan_record(stack: str, found: LiveSandbox, desired: Sandbox, paths: Iterable[str]) -> Plan:
    """What records of a live sandbox that `paths` lie in it as `desired` has them now, and changes nothing else."""
    record = found.record
    assert record is not None
    pulled = frozenset(paths)
    wanted = {(upload.target, file.path): file for upload in desired.uploads for file in upload.files if upload.source}
    uploads = tuple(_record(upload, wanted, pulled) for upload in record.uploads)
    step = UpdateContainer(
        id=step_id("sandbox", found.sandbox, "update"),
        subject=found.sandbox,
        container_id=found.id,
        sandbox=replace(record, uploads=uploads),
        stale=found.outdated,
    )
    differences = tuple(
        Difference(field=f"uploads.{path}", before="as recorded", after="as inside", effect="record")
        for path in sorted(pulled)
    )
    change = Change(
        action="update",
        kind="sandbox",
        name=found.sandbox,
        cause="changed",
        differences=differences,
    )
    return Plan(stack=stack, changes=(change,), steps=(step,))


def _record(upload: Upload, wanted: Mapping[tuple[str, str], UploadFile], pulled: frozenset[str]) -> Upload:
    """`upload` with what is `wanted` at its target where that was pulled, and without what is no more there."""
    files = {file.path: file for file in upload.files if place(upload.target, file.path) not in pulled}
    files |= {p: file for (t, p), file in wanted.items() if t == upload.target and place(t, p) in pulled}
    return replace(upload, files=tuple(files[path] for path in sorted(files)))


def _find_upload(desired: Sandbox, target: str, below: str) -> Upload | None:
    """The upload from this machine that has the path; of several with one target only the one that does is known."""
    found = [upload for upload in desired.uploads if upload.source and upload.target == target]
    if len(found) > 1:
        found = [upload for upload in found if any(file.path == below for file in upload.files)]
    return found[0] if found else None


def _lies_at(path: str, above: str) -> bool:
    return not above or f"{path}/".startswith(f"{above.rstrip('/')}/")


def _is_same(file: UploadFile, seen: LiveFile) -> bool:
    if (file.kind, file.link) != (seen.kind, seen.link if seen.kind == "link" else ""):
        return False
    if file.kind != "file":
        return True
    return file.digest == seen.digest and (file.mode not in _SHARED or is_program(file.mode) == is_program(seen.mode))


def is_program(mode: int) -> bool:
    """Whether its owner may run a file of that mode: as much of it as git keeps, and an upload."""
    return bool(mode & 0o100)
