"""What follows in a running sandbox after some of its uploaded files have changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nexusctl.model.uploads_and_packages import Reaction, Upload
from nexusctl.plan.compare.paths import list_above, place
from nexusctl.plan.decide.decide import Decision, is_unsure

_UPLOADS = "uploads."


def find_reactions(decision: Decision) -> tuple[Reaction, ...]:
    """Each once: commands and signals in the order of the uploads, then a restart, which spares the signals.

    A sandbox that does not run, or is started anew in any case, finds its files when it starts.
    """
    holder = decision.holder
    stays = decision.sandbox.state != "stopped"
    if decision.action != "update" or holder is None or not stays or holder.state not in ("running", "paused"):
        return ()
    changed = [d.field.removeprefix(_UPLOADS) for d in decision.differences if d.field.startswith(_UPLOADS)]
    uploads = decision.sandbox.uploads
    sent = uploads if is_unsure(decision.sandbox, holder) else _find_uploads(uploads, changed)
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


def _find_uploads(uploads: Sequence[Upload], paths: Iterable[str]) -> list[Upload]:
    """Those that `paths` are of, in their order; a file that is no more is of the one into whose folder it went."""
    # Of two that lay the same thing down, or into the same folder, the first one counts.
    numbered = tuple(enumerate(uploads))[::-1]
    files = {place(upload.target, file.path): number for number, upload in numbered for file in upload.files}
    folders = {upload.target.rstrip("/"): number for number, upload in numbered}
    found = {files[path] if path in files else _find_around(folders, path) for path in paths}
    return [upload for number, upload in enumerate(uploads) if number in found]


def _find_around(folders: Mapping[str, int], path: str) -> int | None:
    """What the nearest of the folders above `path` stands for."""
    return next((folders[folder] for folder in list_above(path) if folder in folders), None)
