"""Packages: what each manager calls a package, and the lock files that name many."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from nexusctl.config.build.files.digests import Digests, Unfit
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.paths import locate
from nexusctl.config.document.problems import Problems, note
from nexusctl.model.stack import Manager, Omitted, Package, PackageSet, UploadFile

# Name and version as one text, per manager. Neither can begin with a dash, so neither can become an option.
_ITEMS = {
    "npm": re.compile(
        r"(?P<name>(?:@[a-z0-9~][\w.~-]*/)?[A-Za-z0-9~][\w.~-]*)(?:@(?P<version>[\^~<>=*\w][\w.^~<>=*+-]*))?\Z",
        re.ASCII,
    ),
    "pip": re.compile(
        r"(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?(?:\[[\w.,-]+\])?)"
        r"(?P<version>(?:(?:===|[=<>~!]=|[<>])[\w.*+!-]+)(?:,(?:===|[=<>~!]=|[<>])[\w.*+!-]+)*)?\Z",
        re.ASCII,
    ),
    "apt": re.compile(r"(?P<name>[a-z0-9][a-z0-9+.-]+(?::[a-z0-9]+)?)(?:=(?P<version>\w[\w.+:~-]*))?\Z", re.ASCII),
}
_JOINTS = {"npm": "@", "pip": "", "apt": "="}
_EXAMPLES = {"npm": "`express@^4.19`", "pip": "`requests==2.32.3`", "apt": "`curl` or `curl=7.88.1-10`"}
_LOCKS = {"npm": ("package-lock.json", "npm-shrinkwrap.json"), "pip": (), "apt": ()}


def build_packages(
    sandbox: Mapping, manager: str | None, digests: Digests, problems: Problems
) -> tuple[PackageSet, ...]:
    """What is to be installed; a flat list goes to `manager`, the template's own, None where there is none.

    A set may be empty that says only how what its template brings is installed.
    """
    node = sandbox.get("packages")
    if isinstance(node, Sequence) and node.items:
        if manager is None:
            hint = "name the manager: `packages: {npm: [...]}`, or `pip`, or `apt`"
            problems.add(sandbox.keys["packages"], "nothing says which package manager these are for", hint)
            return ()
        return _some(_from_list(manager, node, problems))
    if not isinstance(node, Mapping):
        return ()
    sets = [
        _package_set(name, node.values[name], digests, problems) for name in get_args(Manager) if name in node.values
    ]
    return tuple(item for one in sets for item in _some(one))


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
    return _ITEMS[manager].match(text) is not None


def package_text(manager: Manager, package: Package) -> str:
    """A package as one text, which is read as the same package."""
    return package.name + (_JOINTS[manager] + package.version if package.version else "")


def plain_options(chosen: PackageSet) -> dict[str, Any]:
    """How `chosen` is installed, as a stack file says it beside `packages` or `from`; empty where it is as usual."""
    scripts = chosen.ignore_scripts
    said = {"ignore_scripts": list(scripts) if isinstance(scripts, tuple) else scripts, "omit": list(chosen.omit)}
    return {key: value for key, value in said.items() if value}


def _package_set(manager: str, node: Node, digests: Digests, problems: Problems) -> PackageSet | None:
    if isinstance(node, Sequence):
        return _from_list(manager, node, problems)
    if not isinstance(node, Mapping):
        return None
    listed, lock = node.get("packages"), node.get("from")
    chosen: PackageSet | None = None
    if isinstance(listed, Sequence):
        chosen = _from_list(manager, listed, problems)
    elif isinstance(lock, Scalar):
        chosen = _from_lock(manager, lock, digests, problems)
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
    match = _ITEMS[manager].match(text)
    if not match:
        hint = f"write its name, with a version if need be, such as {_EXAMPLES[manager]}"
        problems.add(node, f"{manager} has no package that is called `{text[:80]}`", _meant(manager, text[:80]) or hint)
        return None
    return Package(name=match["name"], version=match["version"] or "")


def _meant(manager: str, text: str) -> str:
    """A hint for another manager's way to write a version, or another place to install from; empty where unknown."""
    if text.startswith("-r ") and manager == "pip":
        return f"write `packages: {{pip: {{from: {text[3:].strip()}}}}}`, with nothing beside it"
    if "://" in text or text.startswith((".", "/", "~")):
        return "write the name that the index has; what comes from elsewhere can be installed by `startup`"
    joint = _JOINTS[manager] or "=="
    spaceless = re.sub(r"\s+(?=[<>=~!@])|(?<=[<>=~!@,])\s+", "", text.strip(" @="))
    for meant in (spaceless, re.sub(r"(?<=\w)(?:==?|[@:]|\s+)(?=[\w^~])", joint, spaceless, count=1)):
        if _ITEMS[manager].match(meant):
            return f"write `{meant}`"
    return ""


def _joined(manager: str, node: Mapping) -> str:
    name, version = node.text("name") or "", node.text("version")
    if version is None:
        return name
    if manager == "pip" and version[:1].isdigit():
        version = "==" + version
    return name + _JOINTS[manager] + version


def _from_lock(manager: str, node: Scalar, digests: Digests, problems: Problems) -> PackageSet | None:
    if manager == "apt":
        problems.add(node, "apt knows no lock files", "list the packages: `apt: [curl, git]`")
        return None
    name = node.text.rpartition("/")[2]
    if _LOCKS[manager] and name not in _LOCKS[manager]:
        problems.add(node, f"npm cannot install from `{name}`", "name a package-lock.json")
        return None
    path = locate(node, "from", problems)
    if path is None:
        return None
    wanted = [path]
    if manager == "npm":
        wanted.append(path.with_name("package.json"))
        if not wanted[1].is_file():
            hint = "npm installs from a lock only with the package.json that it was made from; put it there"
            problems.add(node, f"there is no package.json beside `{node.text}`", hint)
            return None
    try:
        if manager == "pip" and path.is_file():
            # Few stacks name one.
            from nexusctl.config.build.requirements import requirement_files  # noqa: PLC0415 - deferred: start-up time

            wanted = list(requirement_files(path))
        files = tuple(_lock_file(file, path.parent, digests) for file in wanted)
    except Unfit as error:
        problems.add(node, f"`{node.text}` cannot be used: {error.summary}", error.hint)
        return None
    return PackageSet(manager=manager, lock_name=name, lock_files=files, lock_folder=str(path.parent))  # type: ignore[arg-type]


def _lock_file(path: Path, folder: Path, digests: Digests) -> UploadFile:
    if not path.is_file():
        raise Unfit("it is not a file", "name the lock file itself")
    # The mode is a fixed one: the same lock makes the same image, however it was checked out.
    size = path.stat().st_size
    name = path.relative_to(folder).as_posix()
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(os.path.realpath(folder)):
        raise Unfit(f"`{path.name}` is a link that leads out of its folder, to `{real}`", "put the file there itself")
    return UploadFile(path=name, digest=digests.file(real, size), mode=0o644, size=size)
