"""What whoever calls nexusctl wants of every stack: one file of theirs, which is no part of any stack."""

from __future__ import annotations

import os
from collections.abc import Mapping as MappingType
from pathlib import Path

from nexusctl.config.document.node import Mapping, Source
from nexusctl.config.document.problems import Problems
from nexusctl.config.read.reader import read_source
from nexusctl.config.read.yaml_parser import compose, compose_any
from nexusctl.config.schema.files import SETTINGS
from nexusctl.config.validate.validate import validate
from nexusctl.model.trust import OURS

VARIABLE = "NEXUS_SETTINGS"
"""Names the file; empty for none at all."""

KIND = "settings file"


def find_settings(environ: MappingType[str, str]) -> Path | None:
    """The file that there is by `environ`; one that is named there may be missing."""
    if VARIABLE in environ:
        return Path(environ[VARIABLE]).expanduser() if environ[VARIABLE] else None
    base = environ.get("XDG_CONFIG_HOME", "")
    # As the specification says, a relative path counts as none.
    home = base if base.startswith("/") else f"{environ.get('HOME') or os.path.expanduser('~')}/.config"  # noqa: PTH111
    path = f"{home}/nexusctl/settings.yaml"
    return Path(path) if os.path.exists(path) else None  # noqa: PTH110 - pathlib asks more of the system


def read_settings(kept: str | None = None) -> str:
    """The text of the settings as `load` takes them: those that a saved plan has `kept`, else those of the file.

    Raises `InputError` where the file cannot be read.
    """
    if kept is not None:
        return kept
    path = find_settings(os.environ)
    return read_source(path, kind=KIND, trust=OURS).text if path else ""


def load_defaults(kept: str | None, problems: Problems) -> Mapping | None:
    """The `defaults` of the settings, None without any; what is wrong with them is reported.

    Raises `InputError` where the file cannot be read.
    """
    path = find_settings(os.environ)
    if kept is not None:
        source = Source(Path("settings.yaml").absolute(), "the saved plan's settings", kept, KIND)
    elif path is not None:
        source = read_source(path, kind=KIND, trust=OURS)
    else:
        return None
    if compose_any(source, problems) is None:
        return None
    found = validate(compose(source, problems), SETTINGS, problems).get("defaults")
    return found if isinstance(found, Mapping) else None


def refuses_lifetimes() -> bool:
    """Whether whoever calls wants no reaper: `lifetimes: off`. Raises `InputError` for settings that are wrong."""
    path = find_settings(os.environ)
    if path is None:
        return False
    source, problems = read_source(path, kind=KIND, trust=OURS), Problems()
    if compose_any(source, problems) is None:
        return False
    found = validate(compose(source, problems), SETTINGS, problems).text("lifetimes")
    problems.raise_any()
    return found == "off"


def is_settings(source: Source) -> bool:
    return source.kind == KIND
