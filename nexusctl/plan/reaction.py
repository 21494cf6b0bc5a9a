"""What follows in a running sandbox after some of its uploaded files have changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from nexusctl.model.stack import Reaction, Sandbox, Upload
from nexusctl.plan.decision import Decision, is_unsure
from nexusctl.plan.drift import place

_UPLOADS = "uploads."


def find_reactions(decision: Decision) -> tuple[Reaction, ...]:
    """Each once: commands and signals in the order of the uploads, then a restart, which spares the signals.

    A sandbox that does not run, or is started anew in any case, finds its files when it starts.
    """
    holder = decision.holder
    if decision.action != "update" or holder is None or holder.state not in ("running", "paused"):
        return ()
    changed = {d.field.removeprefix(_UPLOADS) for d in decision.differences if d.field.startswith(_UPLOADS)}
    touched = {upload for upload in (_find_upload(decision.sandbox, path) for path in changed) if upload}
    sent = [u for u in decision.sandbox.uploads if u in touched or is_unsure(decision.sandbox, holder)]
    wanted = dict.fromkeys(upload.on_change for upload in sent if upload.on_change)
    restarts = any(reaction.restart for reaction in wanted)
    starts_anew = decision.restore == "restart"
    followed = [r for r in wanted if not r.restart and not (r.signal and (restarts or starts_anew))]
    return (*followed, *([Reaction(restart=True)] if restarts and not starts_anew else []))


def describe_reactions(reactions: Iterable[Reaction]) -> tuple[str, ...]:
    """A phrase for each."""
    return tuple(_describe(reaction) for reaction in reactions)


def _describe(reaction: Reaction) -> str:
    if reaction.restart:
        return "its container is restarted after the upload"
    if reaction.signal:
        return f"its main process gets {reaction.signal} after the upload"
    return "a command runs inside after the upload"


def _find_upload(sandbox: Sandbox, path: str) -> Upload | None:
    """The upload that `path` is of; for a file that is no more, the one into whose folder it went."""
    for upload in sandbox.uploads:
        if any(place(upload.target, file.path) == path for file in upload.files):
            return upload
    around = [upload for upload in sandbox.uploads if path.startswith(f"{upload.target.rstrip('/')}/")]
    return max(around, key=lambda upload: len(upload.target), default=None)
