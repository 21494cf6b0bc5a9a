"""What a plan would write over that somebody has changed inside since it was uploaded. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from nexusctl.errors import Diagnostic
from nexusctl.model.observed.live import LiveFile, LiveSandbox, LiveState
from nexusctl.model.plan.plan import Plan
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.model.uploads_and_packages import UploadFile
from nexusctl.plan.compare.paths import list_above, place

_UPLOADS = "uploads."
MOST_NAMED = 3


def narrow_to_written(plan: Plan, live: LiveState) -> LiveState:
    """`live` with no more than the sandboxes of which `plan` writes over files, and in their records these alone.

    Made for a look inside that takes no longer than it must. Of what is new only the folders stay into which it goes.
    """
    narrowed = (_narrow(found, _written_paths(plan, found)) for found in live.sandboxes)
    return replace(live, sandboxes=tuple(found for found in narrowed if found))


def narrow_to_added(plan: Plan, stack: Stack, inside: LiveState) -> LiveState:
    """`inside`, which was looked into, for another look at what lies where `plan` puts something new."""
    narrowed = []
    for found in inside.sandboxes:
        added = found.interior.added if found.interior else {}
        written = _written_paths(plan, found) if added else ()
        paths = frozenset(path for path in written if not added.keys().isdisjoint((path, *list_above(path))))
        desired = stack.sandboxes.get(found.sandbox)
        if paths and desired and found.record:
            narrowed.append(_narrow(replace(found, record=replace(found.record, uploads=desired.uploads)), paths))
    return replace(inside, sandboxes=tuple(found for found in narrowed if found))


def find_overwritten(stack: Stack, *looks: LiveState) -> Mapping[str, tuple[str, ...]]:
    """The paths in each sandbox that hold what nobody has anywhere else; `looks` are narrowed, and were looked into."""
    found: dict[str, tuple[str, ...]] = {}
    for live in (live for inside in looks for live in inside.sandboxes):
        if paths := tuple(_compare(live, stack.sandboxes.get(live.sandbox))):
            found[live.sandbox] = (*found.get(live.sandbox, ()), *paths)
    return found


def describe_overwritten(found: Mapping[str, tuple[str, ...]], *, spared: bool) -> tuple[Diagnostic, ...]:
    """What is said of them before it happens, or instead where they are `spared`."""
    return tuple(_describe(name, paths, spared=spared) for name, paths in sorted(found.items()))


def _describe(name: str, paths: tuple[str, ...], *, spared: bool) -> Diagnostic:
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    what = f"{name}: {', '.join(paths[:MOST_NAMED])}{more}"
    was = "were" if len(paths) > 1 else "was"
    if not spared:
        return Diagnostic(f"{what} {was} changed inside, and is written over", severity="warning", sandbox=name)
    hint = f"`nexusctl pull {name}:{paths[0]} --force` brings it here; `nexusctl apply` writes over it"
    summary = f"{what} {was} changed inside and here; the sandbox is left as it is"
    return Diagnostic(summary, severity="warning", sandbox=name, hint=hint)


def _written_paths(plan: Plan, found: LiveSandbox) -> frozenset[str]:
    """Where `plan` puts or removes files in a sandbox that keeps its container, and all of one that does not."""
    change = next((each for each in plan.changes if each.kind == "sandbox" and each.name == found.sandbox), None)
    if change is None or found.record is None or found.record.kind != "service" or found.partial or found.gone:
        return frozenset()
    if change.action == "replace":
        return frozenset(_by_path(found.record))
    uploads = (d.field.removeprefix(_UPLOADS) for d in change.differences if d.field.startswith(_UPLOADS))
    return frozenset(uploads) if change.action == "update" else frozenset()


def _narrow(found: LiveSandbox, paths: frozenset[str]) -> LiveSandbox | None:
    """`found` with only those of its record's uploads, and the folders above what the record does not have."""
    record = found.record
    if record is None or not paths:
        return None
    known = _by_path(record)
    folders = {next((above for above in list_above(path) if above in known), "") for path in paths - known.keys()}

    def keeps(path: str, file: UploadFile) -> bool:
        return path in folders if file.kind == "folder" else path in paths

    narrowed = (
        replace(upload, files=tuple(file for file in upload.files if keeps(place(upload.target, file.path), file)))
        for upload in record.uploads
    )
    uploads = tuple(upload for upload in narrowed if upload.files)
    bare = replace(record, uploads=uploads, packages=(), secrets=(), mounts=())
    return replace(found, record=bare, interior=None) if uploads else None


def _by_path(sandbox: Sandbox) -> dict[str, UploadFile]:
    return {place(upload.target, file.path): file for upload in sandbox.uploads for file in upload.files}


def _compare(live: LiveSandbox, desired: Sandbox | None) -> Iterator[str]:
    """Where neither what was uploaded lies nor what is to be."""
    wanted = _by_path(desired) if desired else {}
    seen = live.interior.files if live.interior else {}
    for path, recorded in (_by_path(live.record) if live.record else {}).items():
        file, coming = seen.get(path), wanted.get(path)
        if recorded.kind != "folder" and file and not _holds(file, recorded) and not (coming and _holds(file, coming)):
            yield path


def _holds(live: LiveFile, file: UploadFile) -> bool:
    return (live.kind, live.digest, live.link) == (file.kind, file.digest, file.link)
