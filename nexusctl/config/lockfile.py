"""`nexus.lock`: read, written, and laid over the stack that it belongs to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nexusctl.config.read.reader import read_source
from nexusctl.config.trust.project_folder import around, inside
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.engine_names import image_reference
from nexusctl.model.lockfile import (
    ASKED_NAME,
    LOCK_NAME,
    LockedPackage,
    LockedSandbox,
    Lockfile,
    lock_keys,
    tree_versions,
)
from nexusctl.model.record import canonical
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.model.trust import OURS, Trust
from nexusctl.model.uploads_and_packages import Package, PackageSet, UploadFile
from nexusctl.model.values.checksum import sha256
from nexusctl.packages import MANAGERS

FORMAT, FORMAT_VERSION = "nexusctl-lock", 1

_HINT = "`nexusctl lock` brings it up to date"
# A thousand packages of npm's take half a MiB, and few sandboxes have the same.
_SIZE_LIMIT = 16 * 1024 * 1024


def read_lock(path: Path, trust: Trust = OURS) -> Lockfile:
    """The lock file `path`, which is no link to elsewhere where `trust` takes it for a stranger's.

    Raises `InputError` for a file that is none.
    """
    if not path.exists():
        raise InputError(Diagnostic(f"there is no lock file {path}", hint="`nexusctl lock` writes it"))
    trust = around(trust, path)
    text = read_source(path, kind="lock file", limit=_SIZE_LIMIT, within=inside(trust), trust=trust).text
    try:
        document = json.loads(text)
        if document["format"] != FORMAT or document["format_version"] != FORMAT_VERSION:
            raise ValueError(document)  # noqa: TRY301
        trees = document.get("trees", {})
        for tree in trees.values():
            tree_versions(tree)
        return Lockfile(sandboxes={name: _revive(entry, trees) for name, entry in document["sandboxes"].items()})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(
            Diagnostic(
                f"{path} is no lock file that this nexusctl reads", hint="remove it and run `nexusctl lock` again"
            )
        ) from None


def write_lock(lock: Lockfile) -> str:
    """The text of a lock file: the same for the same lock, with a line for each fact."""
    trees = {_key(tree): dict(tree) for locked in lock.sandboxes.values() for tree in locked.trees.values()}
    document = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "sandboxes": {name: _entry(locked) for name, locked in lock.sandboxes.items()},
        **({"trees": trees} if trees else {}),
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _key(tree: Mapping[str, Any]) -> str:
    """What the sandboxes of a lock that have the same tree call it."""
    return f"sha256:{sha256(canonical(tree).encode())[:16]}"


def pin_stack(stack: Stack, lock: Lockfile, path: Path) -> Stack:
    """`stack` with the versions and images of `lock`. Raises `InputError` with all that the lock does not cover."""
    problems = [
        Diagnostic(f"{path} does not have {missing}", sandbox=name, hint=_HINT)
        for name, missing in find_uncovered(stack, lock)
    ]
    if problems:
        raise InputError(*{problem.summary: problem for problem in problems}.values())
    return pin_known(stack, lock)


def pin_known(stack: Stack, lock: Lockfile) -> Stack:
    """`stack` with what `lock` knows of it; the rest stays as it is."""
    images = {locked.image: locked.digest for locked in lock.sandboxes.values()}
    keys = lock_keys(stack)
    wanted = {image_reference(sandbox.image) for sandbox in stack.sandboxes.values()}
    return replace(
        stack,
        sandboxes={n: _pin(sandbox, _find_entry(sandbox, keys[n], lock)) for n, sandbox in stack.sandboxes.items()},
        digests={image: digest for image, digest in images.items() if image in wanted},
    )


def find_uncovered(stack: Stack, lock: Lockfile) -> Iterator[tuple[str, str]]:
    """What the stack file asks for and the lock has no answer to, or one to another question, each with its sandbox."""
    keys = lock_keys(stack)
    for name, sandbox in stack.sandboxes.items():
        for missing in _find_missing(sandbox, keys[name], _find_entry(sandbox, keys[name], lock)):
            yield name, missing


def _find_entry(sandbox: Sandbox, key: str, lock: Lockfile) -> LockedSandbox | None:
    """What is locked for `sandbox`, also where others of its group have begun or ceased to differ from it since."""
    names = (key, sandbox.name, sandbox.group)
    return next((lock.sandboxes[name] for name in names if name in lock.sandboxes), None)


def _find_missing(sandbox: Sandbox, key: str, locked: LockedSandbox | None) -> Iterator[str]:
    if locked is None:
        yield f"the sandbox {key}"
        return
    if locked.image != image_reference(sandbox.image):
        yield f"the image {sandbox.image} of sandbox {key}, but {locked.image}"
    for chosen in sandbox.packages:
        known = locked.packages.get(chosen.manager, {})
        if chosen.packages and (dropped := sorted(known.keys() - {package.name for package in chosen.packages})):
            yield f"the {chosen.manager} packages of sandbox {key} without {', '.join(dropped)}"
        for package in chosen.packages:
            entry = known.get(package.name)
            if entry is None or entry.asked != package.version:
                asked = f" {package.version}" if package.version else ""
                yield f"the {chosen.manager} package {package.name}{asked} of sandbox {key}"
        if MANAGERS[chosen.manager].freeze() and chosen.packages and chosen.manager not in locked.trees:
            yield f"what the {chosen.manager} packages of sandbox {key} need"


def _pin(sandbox: Sandbox, locked: LockedSandbox | None) -> Sandbox:
    if locked is None or not sandbox.packages:
        return sandbox
    return replace(
        sandbox,
        packages=tuple(_pin_set(chosen, locked) for chosen in sandbox.packages),
    )


def _pin_set(chosen: PackageSet, locked: LockedSandbox) -> PackageSet:
    """The packages in their locked versions, and what they need beside them as if it had been asked for.

    Where one of them is new, nobody knows yet what all of them need together.
    """
    known = locked.packages.get(chosen.manager, {})
    pinned = replace(chosen, packages=tuple(_pin_package(p, chosen.manager, known) for p in chosen.packages))
    tree = locked.trees.get(chosen.manager)
    if not chosen.packages or not known or not _is_known(chosen, known):
        return _from_tree(pinned, tree, known) if chosen.packages and tree else pinned
    needs = _hoisted(tree) if tree else locked.needs.get(chosen.manager, {})
    exactly, named = MANAGERS[chosen.manager].exactly, {package.name for package in pinned.packages}
    beside = [Package(name=n, version=f"{exactly}{version}") for n, version in sorted(needs.items()) if n not in named]
    whole = replace(pinned, packages=(*pinned.packages, *beside))
    return _with_tree(whole, tree) if tree else whole


def _hoisted(tree: Mapping[str, Any]) -> dict[str, str]:
    """What lies where every package finds it, on every machine; the rest is fixed by the digest of the whole."""
    return {place: version for place, version in tree_versions(tree, everywhere=True).items() if ">" not in place}


def _from_tree(chosen: PackageSet, tree: Mapping[str, Any], known: Mapping[str, LockedPackage]) -> PackageSet:
    """`chosen` as a change of what is locked: what is not asked for any more goes, the rest stays where it can."""
    dropped = known.keys() - {package.name for package in chosen.packages}
    asked = tree[ASKED_NAME].get("dependencies", {})
    kept = {**tree[ASKED_NAME], "dependencies": {n: v for n, v in asked.items() if n not in dropped}}
    return replace(_with_tree(chosen, {**tree, ASKED_NAME: kept}), lock_name="")


def _with_tree(chosen: PackageSet, tree: Mapping[str, Any]) -> PackageSet:
    texts = {name: json.dumps(document, indent=2, sort_keys=True) + "\n" for name, document in sorted(tree.items())}
    files = tuple(_tree_file(name, text.encode()) for name, text in texts.items())
    return replace(chosen, lock_name=LOCK_NAME, lock_files=files, lock_texts=texts)


def _tree_file(name: str, data: bytes) -> UploadFile:
    return UploadFile(path=name, digest=sha256(data), mode=0o644, size=len(data))


def _is_known(chosen: PackageSet, known: Mapping[str, LockedPackage]) -> bool:
    """Whether the lock was made for exactly these packages."""
    return {package.name: package.version for package in chosen.packages} == {n: p.asked for n, p in known.items()}


def _pin_package(package: Package, manager: str, known: Mapping[str, LockedPackage]) -> Package:
    entry = known.get(package.name)
    if entry is None or entry.asked != package.version:
        return package
    return replace(package, version=f"{MANAGERS[manager].exactly}{entry.version}")


def _entry(locked: LockedSandbox) -> dict[str, Any]:
    packages = {
        manager: {name: {"asked": p.asked, "version": p.version} for name, p in found.items()}
        for manager, found in locked.packages.items()
    }
    needs = {manager: dict(found) for manager, found in locked.needs.items()}
    trees = {manager: _key(tree) for manager, tree in locked.trees.items()}
    entry = {"image": locked.image, "digest": locked.digest, "packages": packages, "needs": needs}
    return {**entry, "trees": trees} if trees else entry


def _revive(entry: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> LockedSandbox:
    packages = {
        str(manager): {
            str(name): LockedPackage(asked=str(p["asked"]), version=str(p["version"])) for name, p in found.items()
        }
        for manager, found in entry["packages"].items()
    }
    needs = {
        str(manager): {str(name): str(version) for name, version in found.items()}
        for manager, found in entry["needs"].items()
    }
    trees = {str(manager): dict(known[key]) for manager, key in entry.get("trees", {}).items()}
    return LockedSandbox(
        image=str(entry["image"]), digest=str(entry["digest"]), packages=packages, needs=needs, trees=trees
    )
