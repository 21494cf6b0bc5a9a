"""apt: packages of Debian and Ubuntu, without what is only recommended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from nexusctl.model.stack import Package, PackageSet
from nexusctl.packages.base import Blame, by_name, shell

# apt has no variable for its CA bundle, and its lists and archives are of no use in an image.
_INSTALL = """
apt() { apt-get -qq ${SSL_CERT_FILE:+-o "Acquire::https::CAInfo=$SSL_CERT_FILE"} -o Dpkg::Use-Pty=0 "$@"; }
apt update
apt install -y --no-install-recommends "$@"
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old
rm -rf /var/log/apt /var/log/dpkg.log /var/log/alternatives.log
"""
# A virtual package is not known by its name, and a removed one by its settings only; the rest of the answer counts.
_QUERY = r"""
dpkg-query -W -f '${db:Status-Status}\t${Package}\t${Version}\n' "$@" 2>/dev/null | sed -n 's/^installed\t//p'
"""
# Held lists of debconf would ask a person otherwise.
_ENV = {"DEBIAN_FRONTEND": "noninteractive", "DEBCONF_NONINTERACTIVE_SEEN": "true"}
_CULPRITS = (
    re.compile(r"Unable to locate package (?P<package>\S+)"),
    re.compile(r"Package '?(?P<package>[^\s']+)'? has no installation candidate"),
    re.compile(r"Version '(?P<version>[^']+)' for '(?P<package>[^']+)' was not found"),
)


class Apt:
    name = "apt"
    cache = ""
    env: Mapping[str, str] = MappingProxyType(_ENV)
    keeps_lock = False

    def install(self, packages: PackageSet, lock_path: str = "") -> tuple[str, ...]:
        """Raises ValueError for a lock: apt has none."""
        if packages.lock_name:
            raise ValueError("apt knows no lock files")
        return shell(_INSTALL, *(f"{p.name}={p.version}" if p.version else p.name for p in packages.packages))

    def query(self, packages: PackageSet) -> tuple[str, ...]:
        names = (package.name for package in packages.packages)
        return shell(_QUERY, *names)

    def read(self, answer: str, packages: PackageSet) -> tuple[Package, ...]:
        rows = (line.partition("\t") for line in answer.splitlines())
        return by_name([Package(name=name, version=version) for name, _, version in rows if version])

    def inventory(self) -> tuple[str, ...]:
        return ("dpkg-query", "-W", "-f", r"${Package}\n")

    def roots(self) -> tuple[str, ...]:
        return ("apt-mark", "showmanual")

    def explain(self, output: str) -> Blame:
        for pattern in _CULPRITS:
            if match := pattern.search(output):
                return Blame(package=match["package"], hint="see `apt-cache policy NAME` for what the suite has")
        return Blame()
