"""pip: packages go into the image's own Python."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from nexusctl.model.uploads_and_packages import Package, PackageSet
from nexusctl.model.values.late_regex import late_regex
from nexusctl.packages.base import ALTERED_HINT, NEEDS_COMPILER, Blame, LockForm, SettingsFile, by_name, pick, shell
from nexusctl.packages.guard import BLOCKED, LEFT, PYTHON
from nexusctl.packages.promised import BROKEN, BROKEN_HINT, OF_PYTHON

# A path in a requirements.txt starts from where pip runs, and means what lies beside the file.
_GO_BESIDE = """
for word do
  [ "${last:-}" != -r ] || cd "$(dirname "$word")"
  last=$word
done
"""
# What lies in the working folder is the sandbox's own, and no part of Python.
_PIP = (
    _GO_BESIDE
    + """
if command -v pip >/dev/null; then exec pip "$@"; fi
exec python3 -I -m pip "$@"
"""
)
FIND_PYTHON = r"""
python=$(LC_ALL=C sed -n '1s/^#! *\(.*python[0-9.]*\)$/\1/p;1q' "$(command -v pip || echo /dev/null)")
[ -x "$python" ] || python=python3
"""
"""What makes `$python` that in which pip is."""

_INSTALL = f"""
{_GO_BESIDE}
{FIND_PYTHON}
{OF_PYTHON}
if command -v pip >/dev/null; then pip "$@"; else python3 -I -m pip "$@"; fi
shift
ask_promised "$@"
"""

# Only with pip's own Python it can be made sure that it starts nothing. What comes as source lies there, too, when pip
# is stopped because it would run it.
DOWNLOAD = f"""
download() {{ "$python" -I -c "$guard" "$place" download -d "$place" "$@"; }}
status=0
download "$@" || status=$?
[ $status -eq 1 ] || exit $status
# What they need may be there already.
download --no-deps "$@" && status=0 || status=$?
[ $status -ne {LEFT} ] || status={BLOCKED}
exit $status
"""
"""What fetches its arguments into `$place` by `$python`, which `$guard` watches, and exits as `fetch` has to."""

_FETCH = f"""
place=$1 guard=$2
shift 2
mkdir -p "$place"
{_GO_BESIDE}
export TMPDIR=$(mktemp -d)
{FIND_PYTHON}
{DOWNLOAD}
"""
# What others need stays, and so does what the removed ones have brought: pip does not know who asked for it.
# Where not even a record tells what belongs to a package, nobody installed it: all that makes it one goes.
_REMOVE = """
ask() { if command -v pip >/dev/null; then pip "$@"; else python3 -I -m pip "$@"; fi; }
normal() { echo "${1%%\\[*}" | tr 'A-Z._' 'a-z--'; }
roots=$(ask list --not-required --format=freeze | while read -r line; do normal "${line%%==*}"; done)
forget() { python3 -c 'import importlib.metadata, shutil, sys
found = importlib.metadata.distribution(sys.argv[1])
if found.read_text("RECORD") is not None or found.read_text("INSTALLER") is not None: sys.exit(1)
shutil.rmtree(found._path)' "$1"; }
for name do
  if echo "$roots" | grep -qx -e "$(normal "$name")"; then
    ask uninstall -y "${name%%\\[*}" || forget "${name%%\\[*}"
  fi
done
"""
_NO_COMPILER = late_regex(
    r"error: command '\S*(?:gcc|g\+\+|cc|clang)' failed: No such file|(?:gcc|g\+\+|make|cc): (?:command )?not found"
    r"|(?:Unknown|unable to find a|No suitable|no working) (?:C )?compiler",
    re.IGNORECASE,
)
_CULPRITS = (
    late_regex(r"No matching distribution found for (?P<package>.+?)(?: \(from .*\))?$", re.MULTILINE),
    late_regex(r"satisfies the requirement (?P<requirement>(?P<package>\S+).*?) \(from "),
    late_regex(r"Failed building wheel for (?P<package>\S+)"),
)


class Pip:
    name = "pip"
    pattern = late_regex(
        r"(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?(?:\[[\w.,-]+\])?)"
        r"(?P<version>(?:(?:===|[=<>~!]=|[<>])[\w.*+!-]+)(?:,(?:===|[=<>~!]=|[<>])[\w.*+!-]+)*)?\Z",
        re.ASCII,
    )
    joint = ""
    exactly = "=="
    example = "`requests==2.32.3`"
    locks: tuple[str, ...] | None = ()
    lock_beside = ""
    lock_form: LockForm = "requirements"
    lock_along: tuple[str, ...] = ()
    lock_elsewhere: re.Pattern[str] | None = None
    follows_locks = False
    site = "site-packages"
    writes: tuple[str, ...] = ()
    built_with: tuple[str, ...] = ()
    cache = "PIP_CACHE_DIR"
    # As variables, because an older pip refuses options that it does not know and passes over such variables.
    env: Mapping[str, str] = MappingProxyType(
        {
            "PIP_BREAK_SYSTEM_PACKAGES": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PIP_PROGRESS_BAR": "off",
        }
    )
    index_addresses: tuple[str, ...] = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS")
    index_options: tuple[str, ...] = ("PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES")
    settings_file: SettingsFile | None = None
    noise: re.Pattern[str] | None = None
    error_prefix: re.Pattern[str] | None = None
    stands_for: Mapping[str, str] = MappingProxyType({"poetry": "", "pypi": "", "python": ""})
    builds_others = False
    keeps_lock = False
    nests = False
    fetches_into_place = False

    def spell(self, variable: str) -> str:
        return variable

    def carried(self, room: str) -> dict[str, str]:
        return {"PIP_FIND_LINKS": f"{room}/{self.name}", "PIP_NO_INDEX": "1"}

    def install(self, packages: PackageSet, lock_path: str = "") -> tuple[str, ...]:
        return shell(_INSTALL, "install", *_asked(packages, lock_path))

    def fetch(self, packages: PackageSet, place: str, lock_path: str = "") -> tuple[str, ...]:
        return shell(_FETCH, place, PYTHON, *_asked(packages, lock_path))

    def settle(self, packages: PackageSet, place: str, lock_path: str = "", *, alone: bool = False) -> tuple[str, ...]:
        closed = ("--no-index",) if alone else ()
        return shell(_INSTALL, "install", *closed, "--find-links", place, *_asked(packages, lock_path))

    def missing(self, output: str) -> Package | None:
        found = _CULPRITS[1].search(output)
        return _read_requirement(found["requirement"]) if found else None

    def query(self, packages: PackageSet) -> tuple[str, ...]:
        # A list may name what another one needs as well, so only for a lock the rest is left out by pip itself.
        return shell(_PIP, "list", "--format=json", *(["--not-required"] if packages.lock_name else []))

    def read(self, answer: str, packages: PackageSet) -> tuple[Package, ...]:
        found = {
            _normal(entry["name"]): Package(name=entry["name"], version=entry["version"]) for entry in _list(answer)
        }
        wanted = {_normal(package.name) for package in packages.packages} or set(found)
        return by_name([package for name, package in found.items() if name in wanted])

    def inventory(self) -> tuple[str, ...]:
        return shell(_PIP, "list", "--format=freeze")

    def find(self, inventory: str, packages: PackageSet) -> tuple[Package, ...] | None:
        if packages.lock_name:
            return None
        return pick(inventory, packages, _normal)

    def roots(self) -> tuple[str, ...]:
        return shell(_PIP, "list", "--not-required", "--format=freeze")

    def change(self, wanted: PackageSet, changed: Sequence[Package], lock_path: str = "") -> tuple[str, ...]:
        if wanted.lock_name and lock_path:
            return self.install(wanted, lock_path)
        # The whole list, so that pip looks for versions that go together; what fits already stays as it is.
        names = {_normal(package.name) for package in changed}
        rest = [package for package in wanted.packages if _normal(package.name) not in names]
        return self.install(PackageSet(manager="pip", packages=(*changed, *rest)))

    def remove(self, wanted: PackageSet, names: Sequence[str]) -> tuple[str, ...]:
        return shell(_REMOVE, *names)

    def pin(self, name: str, version: str) -> Package:
        return Package(name=name, version=f"=={version}")

    def freeze(self) -> tuple[str, ...]:
        return ()

    def explain(self, output: str) -> Blame:
        if _NO_COMPILER.search(output):
            match = _CULPRITS[-1].search(output)
            return Blame(package=match["package"] if match else "", hint=NEEDS_COMPILER, certain=True)
        if "Python.h: No such file" in output:
            return Blame(hint="add `apt: [build-essential, python3-dev]` to the sandbox's packages", certain=True)
        if "DO NOT MATCH THE HASHES" in output:
            return Blame(hint=ALTERED_HINT, certain=True)
        if match := BROKEN.search(output):
            return Blame(package=match["package"], hint=BROKEN_HINT, certain=True)
        for pattern in _CULPRITS:
            if match := pattern.search(output):
                return Blame(package=match["package"], hint="see `pip index versions NAME` for what there is")
        return Blame()


def _asked(packages: PackageSet, lock_path: str) -> tuple[str, ...]:
    if packages.lock_name:
        return "-r", lock_path
    return tuple(package.name + package.version for package in packages.packages)


def _list(answer: str) -> list[dict[str, str]]:
    # Warnings come on the same stream.
    line = next((line for line in answer.splitlines() if line.startswith("[")), "")
    found: list[dict[str, str]] = json.loads(line)
    return found


def _read_requirement(text: str) -> Package | None:
    """A package in an index, and neither an address nor a file."""
    # Only where something is missing it is asked what.
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - deferred: start-up time

    try:
        found = Requirement(text)
    except InvalidRequirement:
        return None
    extras = f"[{','.join(sorted(found.extras))}]" if found.extras else ""
    return None if found.url else Package(name=found.name + extras, version=str(found.specifier))


def _normal(name: str) -> str:
    """`Foo.Bar[extra]` and `foo-bar` are one package."""
    # Only a sandbox with packages asks.
    from packaging.utils import canonicalize_name  # noqa: PLC0415 - deferred: start-up time

    return canonicalize_name(name.partition("[")[0])
