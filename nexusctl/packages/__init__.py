"""npm, pip and apt behind one Protocol: which commands install, and which ask what is there."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from nexusctl.packages.apt import Apt
from nexusctl.packages.base import PackageManager
from nexusctl.packages.npm import Npm
from nexusctl.packages.pip import Pip

MANAGERS: Mapping[str, PackageManager] = MappingProxyType({"npm": Npm(), "pip": Pip(), "apt": Apt()})
"""Every manager by the name that it has in a stack file."""
