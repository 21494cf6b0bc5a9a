"""What stands in the way on this machine."""

from __future__ import annotations

from collections.abc import Mapping

from nexusctl.engine.docker.checks import Check
from nexusctl.engine.docker.doctor import check_trust, examine
from nexusctl.model.trust import Trust

__all__ = ["Check", "examine_machine"]


def examine_machine(environ: Mapping[str, str], trust: Trust) -> tuple[Check, ...]:
    """Each thing that was looked at, with what was found and what to do. Changes nothing."""
    return (*examine(environ), check_trust(trust))
