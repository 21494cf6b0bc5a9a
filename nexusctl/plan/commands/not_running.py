"""Why a sandbox does not run, and what lets it run again. Pure."""

from __future__ import annotations

from nexusctl.errors import Diagnostic
from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.plan.decide.expiry import ANEW, LONGER


def explain_rest(found: LiveSandbox) -> Diagnostic:
    """For whoever needs one that runs."""
    name, hold = found.sandbox, found.held
    if hold and hold.by_lifetime and not hold.idle:
        return Diagnostic(f"the lifetime of {name} is over", hint=LONGER, sandbox=name)
    word = f"{hold.state}, as it was idle" if hold and hold.idle else f"{hold.state} by {hold.user}" if hold else ""
    return Diagnostic(f"sandbox {name} is {word or found.state}", hint=_suggest(found), sandbox=name)


def explain_task(found: LiveSandbox) -> Diagnostic:
    """For whoever wants to start or stop one that has ended."""
    name = found.sandbox
    return Diagnostic(f"{name} is a task, which does not run now", hint=_suggest(found), sandbox=name)


def _suggest(found: LiveSandbox) -> str:
    name, task = found.sandbox, found.record is not None and found.record.kind == "task"
    if found.partial or found.record is None:
        return "`nexusctl apply` makes it anew"
    if found.state == "paused":
        return f"`nexusctl resume {name}` lets it go on"
    if found.state == "restarting":
        return f"`nexusctl logs {name}` says why it ends"
    if task and found.exit_code == 0 and found.record and found.record.run != "always":
        return f"it is done; `nexusctl apply --replace {name}` runs it once more"
    return "`nexusctl apply` runs it" if task else f"`nexusctl start {name}` starts it"


def explain_pruned(name: str, hold: Hold) -> Diagnostic:
    """Of one that somebody has stopped on purpose, and whose container is gone."""
    summary = f"{name} was {hold.state} by {hold.user}, and its container was removed since"
    return Diagnostic(summary, hint=f"`{ANEW}` makes it again", sandbox=name)
