"""uv: packages go where pip's do, and are seen by pip's answers; of a uv.lock those come that uv itself would take.

An image without uv gets a fixed one for the time of a command. pip fetches, because it can be kept from running what
comes; there uv reads the lock only, without the network and without the user's settings. It installs where strangers'
code may run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from nexusctl.model.uploads_and_packages import Package, PackageSet
from nexusctl.model.values.late_regex import late_regex
from nexusctl.packages.base import ALTERED_HINT, NEEDS_COMPILER, Blame, LockForm, shell
from nexusctl.packages.guard import LEFT, PYTHON
from nexusctl.packages.pip import DOWNLOAD, FIND_PYTHON, Pip
from nexusctl.packages.promised import OF_PYTHON

VERSION = "0.9.5"
"""The one that comes where an image has none."""

# What somebody has told pip of an index holds for uv, where uv is not told otherwise, and the other way round.
_SETTINGS = """
give() { if [ -n "$2" ]; then export "$1=$2"; else unset "$1"; fi; }
if [ -n "${PIP_NO_INDEX:-}" ]; then
  unset UV_DEFAULT_INDEX UV_INDEX_URL UV_INDEX UV_EXTRA_INDEX_URL PIP_INDEX_URL PIP_EXTRA_INDEX_URL
fi
give UV_DEFAULT_INDEX "${UV_DEFAULT_INDEX:-${UV_INDEX_URL:-${PIP_INDEX_URL:-}}}"
give PIP_INDEX_URL "${UV_DEFAULT_INDEX:-}"
give UV_INDEX "${UV_INDEX:-${UV_EXTRA_INDEX_URL:-${PIP_EXTRA_INDEX_URL:-}}}"
give PIP_EXTRA_INDEX_URL "${UV_INDEX:-}"
give UV_FIND_LINKS "$(echo "${UV_FIND_LINKS:-${PIP_FIND_LINKS:-}}" | tr -s ' ' ',')"
give PIP_FIND_LINKS "$(echo "${UV_FIND_LINKS:-}" | tr ',' ' ')"
give UV_INSECURE_HOST "${UV_INSECURE_HOST:-${PIP_TRUSTED_HOST:-}}"
give PIP_TRUSTED_HOST "${UV_INSECURE_HOST:-}"
give UV_HTTP_TIMEOUT "${UV_HTTP_TIMEOUT:-${PIP_DEFAULT_TIMEOUT:-}}"
unset UV_INDEX_URL UV_EXTRA_INDEX_URL
"""
# A wheel of uv holds its program; nothing of it is installed.
_TOOL = f"""
own=$(mktemp -d)
export UV_CACHE_DIR="$own/cache" UV_LINK_MODE=copy UV_NO_CONFIG=1 UV_PYTHON_DOWNLOADS=never
require_pip() {{ command -v pip >/dev/null || python3 -I -c 'import pip' || {{ echo "pip is not there"; exit 1; }}; }}
unpack_uv() {{
  if command -v uv >/dev/null; then return; fi
  python3 -I -m zipfile -e "$1"/uv-{VERSION}-*.whl "$own/uv"
  chmod +x "$own/uv/uv-{VERSION}.data/scripts/uv"
  PATH="$PATH:$own/uv/uv-{VERSION}.data/scripts"
}}
read_lock() {{
  [ -z "$1" ] || env -i "PATH=$PATH" "HOME=$own" "UV_CACHE_DIR=$own/cache" UV_NO_CONFIG=1 UV_PYTHON_DOWNLOADS=never \\
    uv export --frozen --offline --no-emit-project --no-header --no-annotate --quiet \\
    --python "$python" --project "${{1%/*}}" --output-file "$2/requirements.txt"
}}
install() {{
  # No variable of uv's says this, and without it uv would ask the public index.
  [ -z "${{PIP_NO_INDEX:-}}" ] || set -- --no-index "$@"
  uv pip install --python "$python" --break-system-packages "$@"
}}
"""
_COMMON = _SETTINGS + FIND_PYTHON + OF_PYTHON + _TOOL
_FETCH = f"""
place=$1 guard=$2 lock=$3
shift 3
{_COMMON}
require_pip
mkdir -p "$place"
export TMPDIR="$own"
if ! command -v uv >/dev/null; then
  status=0
  "$python" -I -c "$guard" "$place" download -d "$place" --no-deps --only-binary :all: uv=={VERSION} || status=$?
  [ $status -eq {LEFT} ] || {{ echo "uv itself cannot be fetched"; exit $status; }}
fi
unpack_uv "$place"
read_lock "$lock" "$place" >&2
[ -z "$lock" ] || set -- -r "$place/requirements.txt"
{DOWNLOAD}
"""
_SETTLE = f"""
place=$1 lock=$2 PIP_NO_INDEX=$3
shift 3
{_COMMON}
unpack_uv "$place"
[ -z "$lock" ] || set -- -r "$place/requirements.txt"
install --find-links "$place" "$@"
ask_promised "$@"
"""
_INSTALL = f"""
lock=$1
shift
{_COMMON}
require_pip
bring_uv() {{ "$python" -I -m pip download -q -d "$own" --no-deps --only-binary :all: uv=={VERSION}; }}
command -v uv >/dev/null || bring_uv || {{ echo "uv itself cannot be fetched"; exit 1; }}
unpack_uv "$own"
read_lock "$lock" "$own"
[ -z "$lock" ] || set -- -r "$own/requirements.txt"
install "$@"
ask_promised "$@"
"""
_ABSENT = late_regex(r"Because\s+(?P<package>[\w.-]+)\s+was\s+not\s+found\s+in\s+the\s+p")
_NO_VERSION = late_regex(
    r"Because\s+(?:there\s+(?:is|are)\s+no\s+versions?\s+of|only|all\s+versions\s+of)\s+(?P<package>[\w.-]+(?:[<>=!~][^\s]*)?)"
)
_BUILD = late_regex(r"Failed to (?:download and )?build [`'](?P<package>[^`'=]+)")
_UNFIT = late_regex(r"[Ff]ailed to parse|[Uu]nable to find lockfile|[Mm]issing .* in .*lock|needs to be updated")
_VIEW_HINT = "see `pip index versions NAME` for what there is"


class Uv(Pip):
    name = "uv"
    stands_for: Mapping[str, str] = MappingProxyType({})
    locks: tuple[str, ...] | None = ("uv.lock",)
    lock_beside = "pyproject.toml"
    lock_form: LockForm = "alone"
    lock_elsewhere = late_regex(
        r"^source = \{ (?P<address>git|url) ="
        r"|^source = \{ (?P<folder>(?:directory|path|registry(?= = \"(?!https?:)))[^}]*?) *\}"
        r"|^source = \{ (?P<member>(?:editable|virtual) = \"(?!\.\")[^}]*?) *\}",
        re.MULTILINE,
    )

    index_addresses = (
        *("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"),
        *Pip.index_addresses,
    )
    index_options = ("UV_INSECURE_HOST", "UV_HTTP_TIMEOUT", *Pip.index_options)

    def carried(self, room: str) -> dict[str, str]:
        return {"UV_FIND_LINKS": f"{room}/{self.name}", "PIP_NO_INDEX": "1"}

    def install(self, packages: PackageSet, lock_path: str = "") -> tuple[str, ...]:
        return shell(_INSTALL, lock_path, *_asked(packages))

    def fetch(self, packages: PackageSet, place: str, lock_path: str = "") -> tuple[str, ...]:
        return shell(_FETCH, place, PYTHON, lock_path, *_asked(packages))

    def settle(self, packages: PackageSet, place: str, lock_path: str = "", *, alone: bool = False) -> tuple[str, ...]:
        return shell(_SETTLE, place, lock_path, "1" if alone else "", *_asked(packages))

    def missing(self, output: str) -> Package | None:
        if match := _ABSENT.search(output):
            return Package(name=match["package"], version=_required(match["package"], output))
        return None if "uv itself" in output else super().missing(output)

    def explain(self, output: str) -> Blame:
        if "pip is not there" in output:
            hint = "take an image that has pip: it fetches for uv, and says what is there"
            return Blame(hint=hint, certain=True)
        if "uv itself cannot be fetched" in output and (blame := super().explain(output)).package:
            return Blame(package=blame.package, hint="the package index has no uv: take an image that has it")
        if "Hash mismatch" in output:
            return Blame(hint=ALTERED_HINT, certain=True)
        if (blame := super().explain(output)) != Blame():
            return blame
        for pattern in (_ABSENT, _NO_VERSION):
            if match := pattern.search(output):
                return Blame(package=match["package"], hint=_VIEW_HINT)
        if match := _BUILD.search(output):
            return Blame(package=match["package"], hint=NEEDS_COMPILER if "compiler" in output else "", certain=True)
        if _UNFIT.search(output):
            return Blame(hint="run `uv lock` beside the lock file, so that it agrees with pyproject.toml again")
        return Blame()


def _required(name: str, output: str) -> str:
    """Which versions of what is missing uv was looking for; empty for any."""
    match = re.search(rf"resolving: .*?`{re.escape(name)}(?P<version>[<>=!~][^`;\s]*)?", output)
    return (match["version"] or "") if match else ""


def _asked(packages: PackageSet) -> Sequence[str]:
    return () if packages.lock_name else tuple(package.name + package.version for package in packages.packages)
