"""Every source of secrets, by its name in a stack file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from nexusctl.model.load_request import VARIABLE
from nexusctl.model.secret import SecretRef, SourceKind
from nexusctl.secrets.age import AgeSource
from nexusctl.secrets.age_key import IDENTITY
from nexusctl.secrets.base import SecretSource
from nexusctl.secrets.command import CommandSource
from nexusctl.secrets.env import EnvSource
from nexusctl.secrets.file import FileSource
from nexusctl.secrets.keyring import KeyringSource
from nexusctl.secrets.variable import VariableSource
from nexusctl.secrets.vault import VaultSource

Sources = Mapping[SourceKind, Callable[[], SecretSource]]
"""A source lives as long as one reading, so that what several secrets have in common is fetched once."""


def sources_for(refs: Collection[SecretRef], sensitive: Collection[str] = ()) -> Sources:
    """Every source by its name in a stack file; `refs` are all secrets of the stack, `sensitive` its variables."""
    secret_variables = {ref.where for ref in refs if ref.source == "env"}
    hidden = frozenset({IDENTITY, *secret_variables, *(f"{VARIABLE}{name}" for name in sensitive)})
    return {
        "env": EnvSource,
        "file": FileSource,
        "age": AgeSource,
        "vault": VaultSource,
        "command": lambda: CommandSource(hidden),
        "keyring": KeyringSource,
        "variable": VariableSource,
        "parameter": VariableSource,
    }
