"""Sandboxes whose lifetime is over, and that stay as they are until somebody gives them more time. Pure."""

from __future__ import annotations

from nexusctl.model.lifetime import find_end
from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.stack import Sandbox
from nexusctl.model.values.utc import utc

LONGER = "`nexusctl extend`, or a longer `timeout` in the stack file, lets it go on"

ANEW = "nexusctl apply --start-stopped"
"""Makes what was stopped on purpose run again, also where it has to be made for that."""


def find_hold(sandbox: Sandbox, holder: LiveSandbox, now: int) -> Hold | None:
    """What keeps it at rest: somebody's word, or that its lifetime, as the file says it by now, is over at `now`.

    Whatever ended it: one that ends by itself after its time does not start again either. What was done is done.
    """
    word = holder.held
    if word and word.lasts:
        return word
    if holder.state not in ("created", "exited", "paused") or holder.gone or is_done(sandbox, holder):
        return None
    end = find_end(sandbox, holder.created_at, holder.extended)
    if end is None or not is_over(end, now):
        return None
    return word or Hold(state="paused" if holder.state == "paused" else "stopped", user="", since=end, by_lifetime=True)


def is_over(end: int, now: int) -> bool:
    """Both are whole seconds, cut off; nothing ends early."""
    return 0 < end < now


def is_done(sandbox: Sandbox, holder: LiveSandbox) -> bool:
    return sandbox.kind == "task" and holder.state == "exited" and holder.exit_code == 0


def say_destroyed(hold: Hold) -> str:
    """As a reason to make it anew."""
    return f"it was destroyed at {utc(hold.since)}, when {'it was idle' if hold.idle else 'its lifetime was over'}"
