"""What is given to a stack file from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from nexusctl.model.value import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Values of variables: `values` as `--var` names them, `files` as `--var-file` does, of which a later one wins."""

    values: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


NOTHING = Given()
