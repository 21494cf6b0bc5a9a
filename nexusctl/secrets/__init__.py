"""Reference -> value. A file per source behind one Protocol; nothing but an apply comes in here.

Libraries that only one source needs are extras of nexusctl and are imported when that source is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from nexusctl.model.secret import SecretRef, SourceKind
from nexusctl.secrets.age import AgeSource
from nexusctl.secrets.base import Source
from nexusctl.secrets.command import CommandSource
from nexusctl.secrets.env import EnvSource
from nexusctl.secrets.file import FileSource
from nexusctl.secrets.keyring import KeyringSource
from nexusctl.secrets.variable import VariableSource
from nexusctl.secrets.vault import VaultSource

Sources = Mapping[SourceKind, Callable[[], Source]]
"""A source lives as long as one reading, so that what several secrets have in common is fetched once."""


def sources_for(refs: Collection[SecretRef]) -> Sources:
    """Every source by its name in a stack file, for reading `refs`."""
    secret_variables = frozenset(ref.where for ref in refs if ref.source == "env")
    return {
        "env": EnvSource,
        "file": FileSource,
        "age": AgeSource,
        "vault": VaultSource,
        "command": lambda: CommandSource(secret_variables),
        "keyring": KeyringSource,
        "variable": VariableSource,
        "parameter": VariableSource,
    }
