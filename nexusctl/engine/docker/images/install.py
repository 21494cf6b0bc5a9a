"""Packages of a sandbox installed in a builder by their managers, and what the managers say is there then."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from nexusctl.engine.base import Report
from nexusctl.engine.command import Outcome
from nexusctl.engine.docker.exec.exec import TIMED_OUT
from nexusctl.engine.docker.exec.last_line import LastLine
from nexusctl.engine.docker.files.upload import put_uploads
from nexusctl.engine.docker.images.builder import CACHES, FETCHED, INSTALL_TIMEOUT, Builder, cache_name
from nexusctl.engine.first_error import choose_lines
from nexusctl.errors import Diagnostic, StepError
from nexusctl.model.uploads_and_packages import Package, PackageSet, Upload
from nexusctl.model.values.frozen import dataclass
from nexusctl.packages import MANAGERS
from nexusctl.packages.base import PackageManager, require_texts
from nexusctl.packages.guard import BLOCKED, LEFT

# What lies there does not come into the image.
_LOCK_FOLDER = "/tmp/nexusctl-lock"
_OWN = "/tmp/nexusctl-cache"
_SHOWN = 3

COMPILER = "build-essential"
"""Debian's package for compilers and make; node-gyp asks for Python as well."""
_KEPT_LINES = 15

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r(?!\n)")
# What a network that is not as the manager expects it looks like, and what to do about it.
_NO_NAME = ("EAI_AGAIN", "ENOTFOUND", "Temporary failure in name resolution", "Temporary failure resolving")
_NO_ANSWER = (
    "ECONNREFUSED",
    "ETIMEDOUT",
    "ECONNRESET",
    "Could not connect to",
    "NewConnectionError",
    "Connection refused",
)
_NO_TRUST = (
    "SELF_SIGNED_CERT",
    "UNABLE_TO_GET_ISSUER",
    "invalid peer certificate",
    "CERTIFICATE_VERIFY_FAILED",
    "certificate verify failed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Builders:
    """The one that fetches, and the one that runs what came: see `builder`."""

    fetches: Builder
    runs: Builder


def cache_volumes(packages: Sequence[PackageSet], base: Mapping[str, Any]) -> dict[str, str]:
    """The volumes of the managers that keep their downloads, with their folders in a builder from the image `base`."""
    names = {chosen.manager for chosen in packages if MANAGERS[chosen.manager].cache}
    return {cache_name(name, base): f"{CACHES}/{name}" for name in sorted(names)}


def fetch(
    builder: Builder,
    chosen: PackageSet,
    working_dir: str,
    report: Report,
    beside: Sequence[PackageSet] = (),
    *,
    room: str = "",
) -> int:
    """Bring one manager's packages for `working_dir` into a builder that fetches; returns the manager's exit code, or
    `BLOCKED` where only what is there already can tell whether something is missing.

    `beside` are those that all the managers install. With a `room` all that comes stays in this folder, downloads and
    all. Raises `StepError` with the manager's own last lines.
    """
    manager = MANAGERS[chosen.manager]
    doing = _say(report, chosen)
    _make_folder(builder, working_dir)
    lock_path = put_lock(builder, chosen, working_dir if manager.keeps_lock else _LOCK_FOLDER)
    command = manager.fetch(with_tools(chosen, beside), _place(manager, room or FETCHED), lock_path)
    caches = f"{room}/cache" if room else CACHES
    outcome = _run(builder, manager, command, working_dir, LastLine(report, doing), caches)
    if outcome.exit_code in (0, LEFT, BLOCKED):
        return outcome.exit_code
    if manager.missing(outcome.output):
        # What the index does not have may be there already.
        return BLOCKED
    raise StepError(explain(manager, chosen, outcome.exit_code, outcome.output))


def settle(
    builders: Builders, chosen: PackageSet, working_dir: str, report: Report, beside: Sequence[PackageSet], code: int
) -> None:
    """Go on after `fetch` has returned `code`, where what came can be run. Raises `StepError`."""
    manager = MANAGERS[chosen.manager]
    doing = _say(report, chosen)
    _make_folder(builders.runs, working_dir)
    lock_path = put_lock(builders.runs, chosen, working_dir if manager.keeps_lock else _LOCK_FOLDER)
    wanted, place = with_tools(chosen, beside), _place(manager)
    alone = code == LEFT or builders.fetches.trust.secret or builders.fetches.trust.loopback or not builders.runs.online
    command = manager.settle(wanted, place, lock_path, alone=alone)
    if code == BLOCKED and manager.fetches_into_place:
        command = manager.install(wanted, lock_path)
    asked: set[Package] = set()
    while (outcome := _run(builders.runs, manager, command, working_dir, LastLine(report, doing), _OWN)).exit_code:
        missing = manager.missing(outcome.output) if alone and code == BLOCKED else None
        if missing is None or missing in asked:
            raise StepError(explain(manager, chosen, outcome.exit_code, outcome.output))
        asked.add(missing)
        # What is there as source only brings itself, and what it needs shows then.
        more = manager.fetch(PackageSet(manager=chosen.manager, packages=(missing,)), place)
        found = _run(builders.fetches, manager, more, "/", LastLine(report, doing), CACHES)
        if found.exit_code not in (LEFT, BLOCKED):
            raise StepError(explain(manager, chosen, found.exit_code, found.output))


def install_apt(builder: Builder, chosen: PackageSet, report: Report) -> None:
    """Install packages of the distribution for a template in one go. Raises `StepError`."""
    manager = MANAGERS[chosen.manager]
    last = LastLine(report, _say(report, chosen))
    outcome = _run(builder, manager, manager.install(chosen), "/", last, _OWN)
    if outcome.exit_code != 0:
        raise StepError(explain(manager, chosen, outcome.exit_code, outcome.output))


def ask_installed(builder: Builder, chosen: PackageSet, working_dir: str) -> tuple[Package, ...]:
    """Those of `chosen` that were asked for, with the versions that came. Raises `StepError`."""
    manager = MANAGERS[chosen.manager]
    env = _env(manager, _OWN)
    answer = builder.run(manager.query(chosen), env=env, working_dir=working_dir)
    return read_answer(manager, answer.output, chosen)


def _say(report: Report, chosen: PackageSet) -> str:
    doing = f"installing {describe(chosen)} ({chosen.manager})"
    report(doing)
    return doing


def _place(manager: PackageManager, room: str = FETCHED) -> str:
    return f"{room}/{manager.name}"


def _env(manager: PackageManager, caches: str) -> dict[str, str]:
    return {**manager.env, **({manager.cache: f"{caches}/{manager.name}"} if manager.cache else {})}


def _run(
    builder: Builder, manager: PackageManager, command: Sequence[str], working_dir: str, last: LastLine, caches: str
) -> Outcome:
    return builder.run(command, env=_env(manager, caches), working_dir=working_dir, on_output=last.take)


def with_tools(chosen: PackageSet, all_packages: Sequence[PackageSet]) -> PackageSet:
    """`chosen` with what the managers need besides a compiler to build a package from source."""
    names = {package.name for package in chosen.packages}
    if not MANAGERS[chosen.manager].builds_others or COMPILER not in names:
        return chosen
    further = sorted({tool for one in all_packages for tool in MANAGERS[one.manager].built_with} - names)
    return replace(chosen, packages=(*chosen.packages, *(Package(name=tool) for tool in further)))


def describe(chosen: PackageSet) -> str:
    """Such as `express, pg, ...`."""
    names = [package.name for package in chosen.packages]
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    return shown or chosen.lock_name


def explain(manager: PackageManager, chosen: PackageSet, exit_code: int, output: str) -> Diagnostic:
    """What a person needs of a failed installation."""
    lines = last_lines(output, manager=manager)
    if exit_code == TIMED_OUT:
        summary = f"{manager.name} did not install {describe(chosen)} within {INSTALL_TIMEOUT / 60:g} min"
        return Diagnostic(summary, hint="see the last lines above for what it waits for", output=lines)
    if exit_code in (126, 127):
        summary = f"{manager.name} is not there, so {describe(chosen)} cannot be installed"
        return Diagnostic(summary, hint=f"take a template or an image that has {manager.name}", output=lines)
    blame = manager.explain(output)
    network = "" if blame.certain else _network_hint(output)
    hint = network or blame.hint or "see the lines above, correct the list, then apply again"
    return Diagnostic(f"{manager.name} could not install {blame.package or describe(chosen)}", hint=hint, output=lines)


def last_lines(output: str, count: int = _KEPT_LINES, manager: PackageManager | None = None) -> tuple[str, ...]:
    """The end of what a tool wrote, and its first error, without colours and without lines that help nobody."""
    noise, prefix = (manager.noise, manager.error_prefix) if manager else (None, None)
    lines = (line.rstrip() for line in _ESCAPES.sub("", output).splitlines())
    telling = [line for line in lines if line and not (noise and noise.search(line))]
    return choose_lines(telling, count, lambda line: prefix.sub("", line) if prefix else line)


def _network_hint(output: str) -> str:
    hints: Mapping[tuple[str, ...], str] = {
        _NO_TRUST: "the package index is not trusted: name the CA bundle of your network in SSL_CERT_FILE",
        _NO_NAME: "the package index was not found: see whether the network needs HTTP_PROXY and HTTPS_PROXY",
        _NO_ANSWER: "the package index does not answer: see whether the network needs HTTP_PROXY and HTTPS_PROXY",
    }
    return next((hint for words, hint in hints.items() if any(word in output for word in words)), "")


def _make_folder(builder: Builder, folder: str) -> None:
    outcome = builder.run(("/bin/mkdir", "-p", "--", folder))
    if outcome.exit_code != 0:
        raise StepError(Diagnostic(f"the working folder {folder} cannot be made", output=last_lines(outcome.output)))


def put_lock(builder: Builder, chosen: PackageSet, folder: str) -> str:
    """Lay the files of a lock into `folder`; returns the path of the lock itself, empty for a list."""
    if not chosen.lock_files:
        return ""
    _make_folder(builder, folder)
    put_uploads(builder.wire, builder.id, _as_uploads(chosen, folder))
    return f"{folder}/{chosen.lock_name}"


def _as_uploads(chosen: PackageSet, folder: str) -> list[Upload]:
    if not chosen.lock_texts:
        return [Upload(target=folder, files=chosen.lock_files, owner="root", source=chosen.lock_folder)]
    return [
        Upload(
            target=f"{folder.rstrip('/')}/{file.path}",
            files=(replace(file, path=""),),
            owner="root",
            content=chosen.lock_texts.get(file.path),
        )
        for file in chosen.lock_files
    ]


def read_answer(manager: PackageManager, answer: str, chosen: PackageSet) -> tuple[Package, ...]:
    """What a manager says of `chosen` after installing it. Raises `StepError` where that cannot be read."""
    try:
        found = manager.read(answer, chosen)
        require_texts({package.name: package.version for package in found})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        summary = (
            f"{manager.name} installed {describe(chosen)}, and its answer to what is there cannot be read: {error}"
        )
        raise StepError(Diagnostic(summary, output=last_lines(answer))) from error
    return found
