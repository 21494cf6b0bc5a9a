"""Fields that a sandbox wants left as they are: desired is then what was recorded, and drift is none. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from nexusctl.errors import Diagnostic
from nexusctl.model.endpoint import overlap
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.plan.plan import Difference
from nexusctl.model.stack import LIMITS, Port, Resources, Sandbox, Stack
from nexusctl.model.uploads_and_packages import PackageSet, Upload, UploadFile
from nexusctl.plan.compare.claims import Claim
from nexusctl.plan.compare.fields import TABLE

Ignored = Callable[[str], bool]


def leave_ignored(stack: Stack, claims: Mapping[str, Claim]) -> Stack:
    """`stack` with the recorded values of ignored fields, for the sandboxes that are live."""
    holders = {name: claim.holder for name, claim in claims.items()}
    return replace(stack, sandboxes={name: _leave(s, holders.get(name)) for name, s in stack.sandboxes.items()})


def without_ignored(differences: Iterable[Difference], sandbox: Sandbox) -> tuple[Difference, ...]:
    """`differences` but for those of fields that `sandbox` wants left as they are."""
    ignored = _tester(tuple("volumes" if path == "mounts" else path for path in sandbox.lifecycle.ignore))
    return tuple(difference for difference in differences if not ignored(difference.field))


def list_left_limits(sandbox: Sandbox) -> tuple[str, ...]:
    """Those of cpus, memory, pids and restart that `sandbox` wants left as they are."""
    ignored = _tester(sandbox.lifecycle.ignore)
    paths = {"cpus": "resources.cpus", "memory": "resources.memory", "pids": "resources.pids", "restart": "restart"}
    return tuple(name for name, path in paths.items() if ignored(path))


def find_kept_ports(sandboxes: Iterable[Sandbox]) -> Iterator[Diagnostic]:
    """A diagnostic for each host port that one sandbox is to get and another keeps, because it ignores its ports."""
    owners: dict[tuple[int, str], list[tuple[Sandbox, Port]]] = {}
    for sandbox in sandboxes:
        for port in sandbox.ports:
            if port.host:
                owners.setdefault((port.host, port.protocol), []).append((sandbox, port))
    for (number, _), found in sorted(owners.items()):
        keepers = [pair for pair in found if "ports" in pair[0].lifecycle.ignore]
        for (keeper, kept), (other, wanted) in itertools.product(keepers, found):
            if keeper is not other and overlap(kept.address, wanted.address):
                yield Diagnostic(
                    f"{other.name} wants host port {number}, which {keeper.name} keeps: it ignores its ports",
                    sandbox=other.name,
                    hint=f"give {other.name} another one, or take `ports` out of what {keeper.name} ignores",
                )


def _leave(sandbox: Sandbox, holder: LiveSandbox | None) -> Sandbox:
    if holder is None or holder.record is None or not sandbox.lifecycle.ignore:
        return sandbox
    ignored = _tester(sandbox.lifecycle.ignore)
    kept: dict[str, Any] = {}
    for field in (rule.field for rule in TABLE):
        recorded, desired = getattr(holder.record, field), getattr(sandbox, field)
        if ignored(_BELOW.get(field, field)):
            kept[field] = recorded
        elif field in _PARTS and recorded != desired:
            kept[field] = _PARTS[field](field, recorded, desired, ignored)
    return replace(sandbox, **kept)


def _tester(paths: tuple[str, ...]) -> Ignored:
    """Whether a path of a field is one of `paths` or lies below one."""
    return lambda path: any(path == known or path.startswith((f"{known}.", f"{known}/")) for known in paths)


def _mix_mapping(
    name: str, recorded: Mapping[str, str], desired: Mapping[str, str], ignored: Ignored
) -> Mapping[str, str]:
    kept = {key: value for key, value in recorded.items() if ignored(f"{name}.{key}")}
    return {**{key: value for key, value in desired.items() if not ignored(f"{name}.{key}")}, **kept}


def _mix_resources(name: str, recorded: Resources, desired: Resources, ignored: Ignored) -> Resources:
    kept = {key: getattr(recorded, key) for key in LIMITS if ignored(f"{name}.{key}")}
    return replace(desired, **kept)


def _mix_packages(
    name: str, recorded: tuple[PackageSet, ...], desired: tuple[PackageSet, ...], ignored: Ignored
) -> tuple[PackageSet, ...]:
    before, after = ({chosen.manager: chosen for chosen in sets} for sets in (recorded, desired))
    mixed = []
    for manager in dict.fromkeys((*after, *before)):
        old = before.get(manager, PackageSet(manager=manager))
        # What stays of one that is not asked for any more stays as it was installed.
        new = after.get(manager, PackageSet(manager=manager, ignore_scripts=old.ignore_scripts, omit=old.omit))
        prefix = f"{name}.{manager}"
        if ignored(prefix):
            mixed.append(old)
            continue
        kept = tuple(package for package in old.packages if ignored(f"{prefix}.{package.name}"))
        if kept and new.fixed:
            # One version of it cannot be left without the others that go with it.
            mixed.append(old)
            continue
        asked = tuple(package for package in new.packages if not ignored(f"{prefix}.{package.name}"))
        mixed.append(replace(new, packages=(*asked, *kept)))
    return tuple(chosen for chosen in mixed if chosen.packages or chosen.lock_name)


def _mix_uploads(
    name: str, recorded: tuple[Upload, ...], desired: tuple[Upload, ...], ignored: Ignored
) -> tuple[Upload, ...]:
    def is_left(upload: Upload, file: UploadFile) -> bool:
        return ignored(f"{name}.{upload.target.rstrip('/')}/{file.path}".rstrip("/"))

    asked = [replace(u, files=tuple(f for f in u.files if not is_left(u, f))) for u in desired]
    kept = [replace(u, files=tuple(f for f in u.files if is_left(u, f))) for u in recorded]
    return tuple(upload for upload in (*asked, *kept) if upload.files)


_BELOW = {"aliases": "networks"}
"""What a stack file says of a field as a part of another one."""

_PARTS: Mapping[str, Callable[[str, Any, Any, Ignored], Any]] = {
    "env": _mix_mapping,
    "metadata": _mix_mapping,
    "packages": _mix_packages,
    "resources": _mix_resources,
    "uploads": _mix_uploads,
}
