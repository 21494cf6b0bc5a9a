"""Where a live sandbox differs from its record: changed by somebody else than nexusctl. Pure.

Limits, files and packages are known only where somebody looked; what was not looked at never counts as drifted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from nexusctl.model.observed.live import Inspection, Interior, LiveFile, LivePackages, LiveSandbox
from nexusctl.model.plan.plan import Difference
from nexusctl.model.stack import Sandbox
from nexusctl.model.uploads_and_packages import UploadFile
from nexusctl.plan.compare.fields import TABLE, compare
from nexusctl.plan.compare.paths import place

Effect = Literal["in_place", "replace"]


def find_drift(desired: Sandbox, holder: LiveSandbox, in_place: frozenset[str]) -> tuple[Difference, ...]:
    """Limits, files, mounts, secrets and packages that are not as recorded; `desired` says what its uploads ignore."""
    inside = holder.interior or Interior()
    return (
        *_drifted_limits(holder),
        *(_drifted_files(desired, holder.record, inside) if holder.record and holder.interior else ()),
        *(_drifted_mounts(holder.record, inside) if holder.record and inside.displaced else ()),
        *(_drifted(f"secrets.{name}", None, "file", "in_place") for name in sorted(inside.lost_secrets)),
        *_drifted_packages(inside, "in_place" if "packages" in in_place else "replace"),
    )


def drifted_paths(differences: Iterable[Difference]) -> dict[str, Difference]:
    """The uploaded or added files among `differences` that drifted, by path."""
    return {
        difference.field.removeprefix("uploads."): difference
        for difference in differences
        if difference.cause == "drifted" and difference.field.startswith("uploads.")
    }


def find_misfits(desired: Sandbox, holder: LiveSandbox, differences: Iterable[Difference]) -> tuple[str, ...]:
    """The places in which `desired` has a file or a link and the sandbox a folder, or the other way round."""
    record, inside = holder.record, holder.interior or Interior()
    recorded = {place(u.target, f.path): f.kind for u in (record.uploads if record else ()) for f in u.files}
    live = {path: inside.files[path].kind for path in drifted_paths(differences) if path in inside.files}
    kinds: Mapping[str, str] = {**recorded, **{path: kind for path, kind in live.items() if kind != "unread"}}
    wanted = {place(u.target, f.path): f.kind for u in desired.uploads for f in u.files}
    return tuple(
        sorted(p for p, kind in wanted.items() if p in recorded and (kinds[p] == "folder") != (kind == "folder"))
    )


def is_cut_off(holder: LiveSandbox, differences: Iterable[Difference]) -> bool:
    """Whether secrets that have to be put back reach the container by a restart only."""
    cut_off = holder.interior is not None and holder.interior.cut_off
    return cut_off and any(difference.field.startswith("secrets.") for difference in differences)


def _drifted_limits(holder: LiveSandbox) -> tuple[Difference, ...]:
    record, seen = holder.record, holder.inspection
    if record is None or seen is None:
        return ()
    # Nobody can change it in a container that is there, and some engines do not know of it.
    resources = replace(seen.resources, storage=record.resources.storage)
    observed = replace(
        record, resources=resources, restart=seen.restart, **dict(_observed_settings(holder, record, seen))
    )
    found = compare(observed, record, frozenset({"resources", "restart"}))
    return tuple(replace(difference, cause="drifted") for difference in found)


def _observed_settings(holder: LiveSandbox, record: Sandbox, seen: Inspection) -> Iterator[tuple[str, Any]]:
    """Those of `seen` that count, by field.

    One that was taken over may have more than its record, which was made when nexusctl had no words for that.
    """
    for rule in TABLE:
        stated = getattr(record, rule.field)
        if rule.field not in seen.settings or not (stated or (rule.inspected == "always" and not holder.adopted)):
            continue
        value = seen.settings[rule.field]
        if rule.inspected == "stated" and isinstance(value, Mapping):
            value = {key: item for key, item in value.items() if key in stated}
        if rule.inspected == "stated" and isinstance(value, tuple):
            value = tuple(item for item in value if item in stated)
        yield rule.field, value


def _drifted_files(desired: Sandbox, record: Sandbox, inside: Interior) -> Iterator[Difference]:
    for upload in record.uploads:
        for file in upload.files:
            path = place(upload.target, file.path)
            differing = _compare_file(file, inside.owners.get(upload.owner or ""), inside.files.get(path))
            if differing:
                yield _drifted(f"uploads.{path}", *differing, "in_place")
    if inside.added:
        # Only a look inside that found something needs patterns.
        from nexusctl.plan.compare.ignored_files import IgnoredFiles  # noqa: PLC0415 - deferred: start-up time

        ignored = IgnoredFiles(desired.uploads)
        for path, kind in sorted(inside.added.items()):
            if not ignored.match(path, kind):
                yield _drifted(f"uploads.{path}", kind, None, "in_place")


def _drifted_mounts(record: Sandbox, inside: Interior) -> Iterator[Difference]:
    """A restart would follow the path once more, and whatever link lies on it by now."""
    for mount in record.mounts:
        if found := inside.displaced.get(mount.target):
            yield _drifted(f"volumes.{mount.target}", f"bind {found}", f"bind {mount.source}", "replace")


def _compare_file(recorded: UploadFile, owner: str | None, live: LiveFile | None) -> tuple[str | None, str] | None:
    """Before and after in words, of what differs only; None where nothing does."""
    wanted = _describe(recorded.kind, recorded.digest, recorded.link, recorded.mode, owner)
    if live is None:
        return None, _join(wanted.values())
    if live.kind == "unread":
        return "not read in time", _join(wanted.values())
    seen = _describe(live.kind, live.digest, live.link, live.mode, live.owner if owner else None)
    differing = [name for name in wanted if wanted[name] != seen[name]]
    if not differing:
        return None
    return _join(seen[name] for name in differing), _join(wanted[name] for name in differing)


def _join(words: Iterable[str]) -> str:
    return ", ".join(word for word in words if word)


def _describe(kind: str, digest: str, link: str, mode: int, owner: str | None) -> dict[str, str]:
    contents = {"link": f"-> {link}", "file": f"sha256:{digest[:12]}" if digest else "other content"}
    return {
        "content": contents.get(kind, kind),
        # A link has no permissions of its own.
        "mode": "" if kind == "link" else f"mode {mode:04o}",
        "owner": f"owner {owner}" if owner else "",
    }


def _drifted_packages(inside: Interior, effect: Effect) -> Iterator[Difference]:
    for manager, found in sorted(inside.packages.items()):
        if found.problem:
            # Without its answers a manager cannot put anything right either.
            yield _drifted(f"packages.{manager}", f"no answer: {found.problem}", "an answer", "replace")
        else:
            yield from _compare_packages(manager, found, effect)


def _compare_packages(manager: str, found: LivePackages, effect: Effect) -> Iterator[Difference]:
    before: Mapping[str, Any] = {**found.asked_for, **found.added}
    for name in sorted(found.installed.keys() | found.added.keys()):
        if before.get(name) != found.installed.get(name):
            yield _drifted(f"packages.{manager}.{name}", before.get(name), found.installed.get(name), effect)


def _drifted(field: str, before: str | None, after: str | None, effect: Effect) -> Difference:
    return Difference(field=field, before=before, after=after, cause="drifted", effect=effect)
