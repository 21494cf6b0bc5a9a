"""`doctor`: gather the facts, then judge them."""

from __future__ import annotations

from collections.abc import Mapping

from nexusctl.engine.docker.checks import Check, diagnose
from nexusctl.engine.docker.facts import gather


def examine(environ: Mapping[str, str]) -> tuple[Check, ...]:
    """Look at the engine and this machine as `environ` points to them, and say what was found."""
    return diagnose(gather(environ))
