"""Reference -> value. A file per source behind one Protocol; nothing but an apply comes in here.

Libraries that only one source needs are extras of nexusctl and are imported when that source is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nexusctl.model.secret import SourceKind
from nexusctl.secrets.age import AgeSource
from nexusctl.secrets.base import Source
from nexusctl.secrets.command import CommandSource
from nexusctl.secrets.env import EnvSource
from nexusctl.secrets.file import FileSource
from nexusctl.secrets.keyring import KeyringSource
from nexusctl.secrets.variable import VariableSource
from nexusctl.secrets.vault import VaultSource

SOURCES: Mapping[SourceKind, Callable[[], Source]] = {
    "env": EnvSource,
    "file": FileSource,
    "age": AgeSource,
    "vault": VaultSource,
    "command": CommandSource,
    "keyring": KeyringSource,
    "variable": VariableSource,
}
"""A source lives as long as one reading, so that what several secrets have in common is fetched once."""
