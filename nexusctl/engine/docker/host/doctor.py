"""`doctor`: gather the facts, then judge them."""

from __future__ import annotations

from collections.abc import Mapping

from nexusctl.engine.docker.host.checks import Check, diagnose
from nexusctl.engine.docker.host.facts import gather
from nexusctl.model.trust import Trust


def examine(environ: Mapping[str, str]) -> tuple[Check, ...]:
    """Look at the engine and this machine as `environ` points to them, and say what was found."""
    return diagnose(gather(environ))


def check_trust(trust: Trust) -> Check:
    """Whose files nexusctl takes those here for, and why."""
    if not trust.untrusted:
        finding = "taken for your own: nothing says that they come from a fork's pull request"
        return Check(name="files", status="ok", finding=finding)
    finding = f"taken for a stranger's, as {trust.why}"
    return Check(name="files", status="ok", finding=finding, advice="`--trusted` says that they are yours")
