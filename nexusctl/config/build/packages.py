"""Packages: what each manager calls a package, and the lock files that name many."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

from nexusctl.config.build.files.beside import file_beside, files_beside
from nexusctl.config.build.files.digests import Digests, Unfit
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.paths import locate
from nexusctl.config.document.problems import Problems, note
from nexusctl.model.uploads_and_packages import Manager, Omitted, Package, PackageSet, UploadFile
from nexusctl.model.values.late_regex import late_regex
from nexusctl.packages import MANAGERS

_REQUIRED = late_regex(r"[\w.-]+(?:\[[^\]]*\])?", re.ASCII)


def build_packages(
    sandbox: Mapping, manager: str | None, digests: Digests, problems: Problems, there: Collection[Path] = ()
) -> tuple[PackageSet, ...]:
    """What is to be installed; a flat list goes to `manager`, the template's own, None where there is none.

    `there` are the files of this machine that lie in the working folder as they lie beside a lock file. A set may
    be empty that says only how what its template brings is installed.
    """
    node = sandbox.get("packages")
    if isinstance(node, Sequence) and node.items:
        if manager is None:
            first, *others = MANAGERS
            hint = (
                f"name the manager: `packages: {{{first}: [...]}}`, or {', or '.join(f'`{name}`' for name in others)}"
            )
            problems.add(sandbox.keys["packages"], "nothing says which package manager these are for", hint)
            return ()
        return _some(_from_list(manager, node, problems))
    if not isinstance(node, Mapping):
        return ()
    sets = [
        _package_set(name, node.values[name], digests, problems, there)
        for name in get_args(Manager)
        if name in node.values
    ]
    _refuse_same_site(node, problems)
    return tuple(item for one in sets for item in _some(one))


def _refuse_same_site(node: Mapping, problems: Problems) -> None:
    """Two managers that look after the same folder undo each other's packages."""
    named = [name for name in get_args(Manager) if name in node.values]
    for before, name in combinations(named, 2):
        if (site := MANAGERS[name].site) == MANAGERS[before].site:
            other = note("the other one stands here", node.keys[before])
            hint = f"name all of them under `{name}`, or under `{before}`"
            problems.add(node.keys[name], f"{before} and {name} cannot share `{site}`", hint, other)


def with_template_packages(own: tuple[PackageSet, ...], template: tuple[PackageSet, ...]) -> tuple[PackageSet, ...]:
    """`own` and what the template needs itself; the versions in `own` win, and a lock of its own names everything.

    Both may narrow how that is installed.
    """
    managers = {chosen.manager: chosen for chosen in template}
    for chosen in own:
        below = managers.get(chosen.manager)
        managers[chosen.manager] = _over(chosen, below) if below else chosen
    return tuple(managers[name] for name in get_args(Manager) if name in managers)


def without_empty(sets: tuple[PackageSet, ...]) -> tuple[PackageSet, ...]:
    """Those of `sets` that install something."""
    return tuple(chosen for chosen in sets if chosen.packages or chosen.lock_name)


def _over(own: PackageSet, below: PackageSet) -> PackageSet:
    scripts = _ignore_both(own.ignore_scripts, below.ignore_scripts)
    omit = tuple(sorted({*own.omit, *below.omit}))
    own = replace(own, ignore_scripts=scripts, omit=omit)
    if below.lock_name and not (own.packages or own.lock_name):
        return replace(below, ignore_scripts=scripts, omit=omit)
    if own.lock_name or below.lock_name:
        return own
    named = {package.name for package in own.packages}
    kept = tuple(package for package in below.packages if package.name not in named)
    return replace(own, packages=(*kept, *own.packages))


def _ignore_both(one: bool | tuple[str, ...], other: bool | tuple[str, ...]) -> bool | tuple[str, ...]:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is True or other is True or one or other
    return tuple(sorted({*one, *other}))


def is_package(manager: str, text: str) -> bool:
    """Whether `text` is the name of a package, with a version or without, as `manager` takes it."""
    return _split(manager, text) is not None


def package_text(manager: Manager, package: Package) -> str:
    """A package as one text, which is read as the same package."""
    return package.name + (MANAGERS[manager].joint + package.version if package.version else "")


def plain_options(chosen: PackageSet) -> dict[str, Any]:
    """How `chosen` is installed, as a stack file says it beside `packages` or `from`; empty where it is as usual."""
    scripts = chosen.ignore_scripts
    said = {"ignore_scripts": list(scripts) if isinstance(scripts, tuple) else scripts, "omit": list(chosen.omit)}
    return {key: value for key, value in said.items() if value}


def _package_set(
    manager: str, node: Node, digests: Digests, problems: Problems, there: Collection[Path]
) -> PackageSet | None:
    if isinstance(node, Sequence):
        return _from_list(manager, node, problems)
    if not isinstance(node, Mapping):
        return None
    listed, lock = node.get("packages"), node.get("from")
    chosen: PackageSet | None = None
    if isinstance(listed, Sequence):
        chosen = _from_list(manager, listed, problems)
    elif isinstance(lock, Scalar):
        chosen = _from_lock(manager, lock, digests, problems, there)
    return replace(chosen, **_options(node)) if chosen else None


def _options(node: Mapping) -> dict[str, Any]:
    """How npm installs them; the kinds that it omits have no order."""
    scripts, omit = node.get("ignore_scripts"), node.get("omit")
    kinds = {item.text for item in omit.items if isinstance(item, Scalar)} if isinstance(omit, Sequence) else set()
    return {
        "ignore_scripts": (_texts(scripts) or False)
        if isinstance(scripts, Sequence)
        else isinstance(scripts, Scalar) and scripts.value is True,
        "omit": tuple(kind for kind in get_args(Omitted) if kind in kinds),
    }


def _texts(node: Sequence) -> tuple[str, ...]:
    return tuple(sorted({item.text for item in node.items if isinstance(item, Scalar)}))


def _some(one: PackageSet | None) -> tuple[PackageSet, ...]:
    return (one,) if one and (one.packages or one.lock_name or any(one.options)) else ()


def _from_list(manager: str, node: Sequence, problems: Problems) -> PackageSet:
    packages: dict[str, Package] = {}
    places: dict[str, Node] = {}
    for item in node.items:
        package = _package(manager, item, problems)
        if package is None:
            continue
        if package.name in packages:
            hint = "keep one of the two"
            other = note("it was named first here", places[package.name])
            problems.add(item, f"the package `{package.name}` is named twice", hint, other)
        packages.setdefault(package.name, package)
        places.setdefault(package.name, item)
    return PackageSet(manager=manager, packages=tuple(packages.values()))  # type: ignore[arg-type]


def _package(manager: str, node: Node, problems: Problems) -> Package | None:
    text = _joined(manager, node) if isinstance(node, Mapping) else node.text if isinstance(node, Scalar) else ""
    found = _split(manager, text)
    if not found:
        hint = f"write its name, with a version if need be, such as {MANAGERS[manager].example}"
        problems.add(node, f"{manager} has no package that is called `{text[:80]}`", _meant(manager, text[:80]) or hint)
        return None
    return Package(name=found[0], version=found[1])


def _split(manager: str, text: str) -> tuple[str, str] | None:
    """The name and the version in `text`, as `manager` takes them; None where it takes no such text."""
    if not MANAGERS[manager].joint:
        return _split_requirement(text)
    match = MANAGERS[manager].pattern.match(text)
    return (match["name"], match["version"] or "") if match else None


def _split_requirement(text: str) -> tuple[str, str] | None:
    """As above, for Python; where it comes from, and on which machines it is wanted, has no place in a list."""
    # Few stacks name one.
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - deferred: start-up time

    try:
        found = Requirement(text)
    except InvalidRequirement:
        return None
    whole = "".join(text.split())
    match = _REQUIRED.match(whole)
    if found.url or found.marker or not match:
        return None
    return match[0], whole[match.end() :].removeprefix("(").removesuffix(")")


def _meant(manager: str, text: str) -> str:
    """A hint for another manager's way to write a version, or another place to install from; empty where unknown."""
    if text.startswith("-r ") and MANAGERS[manager].locks == ():
        return f"write `packages: {{{manager}: {{from: {text[3:].strip()}}}}}`, with nothing beside it"
    if "://" in text or text.startswith((".", "/", "~")):
        return "write the name that the index has; what comes from elsewhere can be installed by `startup`"
    joint = MANAGERS[manager].joint or "=="
    spaceless = re.sub(r"\s+(?=[<>=~!@])|(?<=[<>=~!@,])\s+", "", text.strip(" @="))
    for meant in (spaceless, re.sub(r"(?<=\w)(?:==?|[@:]|\s+)(?=[\w^~])", joint, spaceless, count=1)):
        if is_package(manager, meant):
            return f"write `{meant}`"
    return ""


def _joined(manager: str, node: Mapping) -> str:
    name, version = node.text("name") or "", node.text("version")
    if version is None:
        return name
    if version[:1].isdigit():
        version = MANAGERS[manager].exactly + version
    return name + MANAGERS[manager].joint + version


def _from_lock(
    manager: str, node: Scalar, digests: Digests, problems: Problems, there: Collection[Path]
) -> PackageSet | None:
    known, beside = MANAGERS[manager].locks, MANAGERS[manager].lock_beside
    if known is None:
        problems.add(node, f"{manager} knows no lock files", f"list the packages: `{manager}: [curl, git]`")
        return None
    name = node.text.rpartition("/")[2]
    if known and name not in known:
        problems.add(node, f"{manager} cannot install from `{name}`", f"name a {known[0]}")
        return None
    path = locate(node, "from", problems)
    if path is None:
        return None
    if beside and not path.with_name(beside).is_file():
        hint = f"{manager} installs from a lock only with the {beside} that it was made from; put it there"
        problems.add(node, f"there is no {beside} beside `{node.text}`", hint)
        return None
    try:
        files = _lock_files(manager, path, digests, there)
    except Unfit as error:
        problems.add(node, f"`{node.text}` cannot be used: {error.summary}", error.hint)
        return None
    return PackageSet(manager=manager, lock_name=name, lock_files=files, lock_folder=str(path.parent))  # type: ignore[arg-type]


def _lock_files(manager: str, path: Path, digests: Digests, there: Collection[Path]) -> tuple[UploadFile, ...]:
    if not path.is_file():
        raise Unfit("it is not a file", "name the lock file itself")
    chosen = MANAGERS[manager]
    # Few stacks name one.
    if chosen.lock_form == "package-lock":
        from nexusctl.config.build.locks.npm_lock import npm_lock_files  # noqa: PLC0415 - deferred: start-up time

        return npm_lock_files(path, there, digests)
    if chosen.lock_form == "alone":
        from nexusctl.config.build.locks.lone_lock import lone_lock_files  # noqa: PLC0415 - deferred: start-up time

        return lone_lock_files(path, chosen, digests)
    from nexusctl.config.build.locks.requirements import read_requirements  # noqa: PLC0415 - deferred: start-up time

    taken = read_requirements(path)
    files = {file.path: file for file in (file_beside(one, path.parent, digests) for one in taken.files)}
    for place in taken.installed:
        files |= {file.path: file for file in files_beside(place, path.parent, digests)}
    return tuple(files.values())
