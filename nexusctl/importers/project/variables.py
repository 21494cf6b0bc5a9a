"""The environment variables that a project wants: from its `.env`, or from the example of one."""

from __future__ import annotations

import re
from typing import Any

from nexusctl.config.read.dotenv import read_pairs
from nexusctl.importers.project.folder import ProjectFolder
from nexusctl.model.values.secret_detection import looks_secret

_EXAMPLES = tuple(f".env{middle}{word}" for middle in (".", "-") for word in ("example", "sample", "template", "dist"))

_OF_ITS_OWN = re.compile(
    r"(?:.*_)?(?:SECRET_KEY(?:_BASE)?|JWT_SECRET|JWT_KEY|SESSION_SECRET|SESSION_KEY|COOKIE_SECRET|AUTH_SECRET|APP_SECRET"
    r"|APP_KEY|ENCRYPTION_KEY|SALT)\Z"
)
"""What nobody else has to know: any value will do, if nobody can guess it."""


def read_example(folder: ProjectFolder) -> tuple[str, dict[str, str]]:
    """The name of the example, and its variables; nothing where there is none, or the real one is there."""
    name = "" if folder.has(".env") else folder.first(*_EXAMPLES, "env.example", "example.env")
    if not name or not folder.text(name):
        return "", {}
    return name, read_pairs(folder.path / name, folder.trust)


def is_own_secret(name: str) -> bool:
    return bool(_OF_ITS_OWN.match(name))


def take_example(folder: ProjectFolder, file: str, pairs: dict[str, str], known: dict[str, Any]) -> dict[str, str]:
    """The variables of the example that are not `known` from elsewhere; those for others to give are listed."""
    taken = {}
    for name, value in pairs.items():
        if name in known:
            continue
        if not is_own_secret(name) and (not value or looks_secret(name, value)):
            folder.leftovers.add(f"{name} in {file}", "give it its value: in a file `.env`, or under `env`")
        if not (is_own_secret(name) or looks_secret(name, value)):
            taken[name] = value.replace("${", "$${")
    if taken:
        folder.say("example values of env", file, ", ".join(taken))
    return taken
