"""apt: packages of Debian and Ubuntu, without what is only recommended."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from nexusctl.model.uploads_and_packages import Package, PackageSet
from nexusctl.model.values.late_regex import late_regex
from nexusctl.packages.base import Blame, LockForm, SettingsFile, by_name, shell
from nexusctl.packages.guard import LEFT
from nexusctl.packages.promised import BROKEN, BROKEN_HINT, OF_DEBIAN

# apt has no variable for its CA bundle, and its lists and archives are of no use in an image.
_INSTALL = (
    OF_DEBIAN
    + """
apt() { apt-get -q ${SSL_CERT_FILE:+-o "Acquire::https::CAInfo=$SSL_CERT_FILE"} -o Dpkg::Use-Pty=0 "$@"; }
apt update
apt install -y --no-install-recommends "$@"
ask_promised "$@"
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old
rm -rf /var/log/apt /var/log/dpkg.log /var/log/alternatives.log
"""
)
# apt downloads as a user of its own.
_ELSEWHERE = """
folder=$1
shift
apt() {
  apt-get -q ${SSL_CERT_FILE:+-o "Acquire::https::CAInfo=$SSL_CERT_FILE"} -o Dpkg::Use-Pty=0 \
    -o "Dir::State::lists=$folder/lists" -o "Dir::Cache=$folder/cache" "$@"
}
"""
_FETCH = (
    _ELSEWHERE
    + f"""
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
apt update
apt install -y --no-install-recommends --download-only "$@"
exit {LEFT}
"""
)
_SETTLE = (
    OF_DEBIAN
    + _ELSEWHERE
    + """
own=$(mktemp -d)
cp -r "$folder/." "$own"
folder=$own
apt install -y --no-install-recommends --no-download "$@"
ask_promised "$@"
rm -rf "$own" /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old
rm -rf /var/log/apt /var/log/dpkg.log /var/log/alternatives.log
"""
)
# In a sandbox that runs, lists and archives of its own are left alone. One that was cut off in the middle of an
# installation has to bring that to its end first.
_LIVE = (
    OF_DEBIAN
    + """
folder=$(mktemp -d)
# apt downloads as a user of its own.
chmod 755 "$folder"
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
trap 'rm -rf "$folder"' EXIT
apt() {
  apt-get -q ${SSL_CERT_FILE:+-o "Acquire::https::CAInfo=$SSL_CERT_FILE"} -o Dpkg::Use-Pty=0 \
    -o "Dir::State::lists=$folder/lists" -o "Dir::Cache=$folder/cache" -o "Dir::Log=$folder" "$@"
}
dpkg --configure -a
"""
)
_CHANGE = """
apt update
apt install -y --no-install-recommends --reinstall --allow-downgrades "$@"
ask_promised "$@"
"""
# What is needed by others stays; what only the removed ones needed goes with them.
_REMOVE = r"""
needless() { apt-get -s autoremove | sed -n 's/^Remv \([^ ]*\).*/\1/p' | sort; }
needless >"$folder/before"
for name do
  if dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed; then
    apt-mark auto "$name" >/dev/null
  fi
done
gone=$(needless | comm -13 "$folder/before" -)
[ -z "$gone" ] || apt remove --purge -y $gone
"""
# A virtual package is not known by its name, and a removed one by its settings only; the rest of the answer counts.
_QUERY = r"""
dpkg-query -W -f '${db:Status-Status}\t${Package}\t${Version}\n' "$@" 2>/dev/null | sed -n 's/^installed\t//p'
"""
# Held lists of debconf would ask a person otherwise.
_ENV = {"DEBIAN_FRONTEND": "noninteractive", "DEBCONF_NONINTERACTIVE_SEEN": "true"}
_CULPRITS = (
    late_regex(r"Unable to locate package (?P<package>\S+)"),
    late_regex(r"Package '?(?P<package>[^\s']+)'? has no installation candidate"),
    late_regex(r"Version '(?P<version>[^']+)' for '(?P<package>[^']+)' was not found"),
)

_IMAGE = ", with an image of Debian or Ubuntu"


class Apt:
    name = "apt"
    pattern = late_regex(r"(?P<name>[a-z0-9][a-z0-9+.-]+(?::[a-z0-9]+)?)(?:=(?P<version>\w[\w.+:~-]*))?\Z", re.ASCII)
    joint = "="
    exactly = ""
    example = "`curl` or `curl=7.88.1-10`"
    locks: tuple[str, ...] | None = None
    lock_beside = ""
    lock_form: LockForm = "requirements"
    lock_along: tuple[str, ...] = ()
    lock_elsewhere: re.Pattern[str] | None = None
    follows_locks = False
    site = "/"
    writes: tuple[str, ...] = ()
    built_with: tuple[str, ...] = ()
    cache = ""
    env: Mapping[str, str] = MappingProxyType(_ENV)
    index_addresses: tuple[str, ...] = ()
    index_options: tuple[str, ...] = ()
    settings_file: SettingsFile | None = None
    noise: re.Pattern[str] | None = None
    error_prefix: re.Pattern[str] | None = None
    stands_for: Mapping[str, str] = MappingProxyType({"apk": _IMAGE, "dnf": _IMAGE, "yum": _IMAGE, "system": ""})
    builds_others = True
    keeps_lock = False
    nests = False
    fetches_into_place = False

    def spell(self, variable: str) -> str:
        return variable

    def carried(self, room: str) -> dict[str, str]:
        """None: what it fetches stays where it was fetched."""
        return {}

    def install(self, packages: PackageSet, lock_path: str = "") -> tuple[str, ...]:
        """Raises ValueError for a lock: apt has none."""
        if packages.lock_name:
            raise ValueError("apt knows no lock files")
        return shell(_INSTALL, *map(_ask_for, packages.packages))

    def fetch(self, packages: PackageSet, place: str, lock_path: str = "") -> tuple[str, ...]:
        return shell(_FETCH, place, *map(_ask_for, packages.packages))

    def settle(self, packages: PackageSet, place: str, lock_path: str = "", *, alone: bool = False) -> tuple[str, ...]:
        return shell(_SETTLE, place, *map(_ask_for, packages.packages))

    def missing(self, output: str) -> Package | None:
        return None

    def query(self, packages: PackageSet) -> tuple[str, ...]:
        names = (package.name for package in packages.packages)
        return shell(_QUERY, *names)

    def read(self, answer: str, packages: PackageSet) -> tuple[Package, ...]:
        rows = (line.partition("\t") for line in answer.splitlines())
        return by_name([Package(name=name, version=version) for name, _, version in rows if version])

    def inventory(self) -> tuple[str, ...]:
        return ("dpkg-query", "-W", "-f", r"${Package}\n")

    def find(self, inventory: str, packages: PackageSet) -> tuple[Package, ...] | None:
        return None

    def roots(self) -> tuple[str, ...]:
        return ("apt-mark", "showmanual")

    def change(self, wanted: PackageSet, changed: Sequence[Package], lock_path: str = "") -> tuple[str, ...]:
        """Raises ValueError for a lock: apt has none."""
        if wanted.lock_name:
            raise ValueError("apt knows no lock files")
        return shell(_LIVE + _CHANGE, *map(_ask_for, changed))

    def remove(self, wanted: PackageSet, names: Sequence[str]) -> tuple[str, ...]:
        return shell(_LIVE + _REMOVE, *names)

    def pin(self, name: str, version: str) -> Package:
        return Package(name=name, version=version)

    def freeze(self) -> tuple[str, ...]:
        return ()

    def explain(self, output: str) -> Blame:
        if match := BROKEN.search(output):
            return Blame(package=match["package"], hint=BROKEN_HINT, certain=True)
        for pattern in _CULPRITS:
            if match := pattern.search(output):
                return Blame(package=match["package"], hint="see `apt-cache policy NAME` for what the suite has")
        return Blame()


def _ask_for(package: Package) -> str:
    return f"{package.name}={package.version}" if package.version else package.name
