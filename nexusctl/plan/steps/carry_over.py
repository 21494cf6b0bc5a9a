"""What a replacement carries over of the files that the old container has written, and what it leaves behind. Pure."""

from __future__ import annotations

from nexusctl.model.plan.plan import LeftBehind
from nexusctl.model.stack import Sandbox
from nexusctl.plan.compare.drift import drifted_paths
from nexusctl.plan.compare.paths import place
from nexusctl.plan.decide.context import PlanContext
from nexusctl.plan.decide.decide import Decision

OF_THE_SYSTEM = (
    "/bin",
    "/boot",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/sbin",
    "/usr",
    "/var/cache",
    "/var/lib/apk",
    "/var/lib/apt",
    "/var/lib/dpkg",
    "/var/lib/pacman",
    "/var/lib/rpm",
    "node_modules",
)
"""What belongs to an image and to package managers: older files of these over another image would fit neither."""


def keeps_image(scene: PlanContext, decision: Decision) -> bool:
    """Whether the new container starts from the very image that the old one started from."""
    choice = scene.images[decision.sandbox.name]
    found = scene.live.images.get(choice.reference)
    holder = decision.holder
    return not choice.steps and found is not None and holder is not None and found.id == holder.image_id


def choose_left_behind(scene: PlanContext, decision: Decision) -> LeftBehind:
    """What the stack file puts into a sandbox comes from there: uploads, also those that it no longer has, and mounts.

    With it stays what was seen to be added by hand to an uploaded folder, as in a container that is changed in place.
    """
    assert decision.holder is not None
    desired, record = decision.sandbox, decision.holder.record
    specs = [desired, record] if record else [desired]
    declared = {path for spec in specs for path in _list_declared(spec)} | decision.holder.volumes.keys()
    added = {path for path, difference in drifted_paths(decision.differences).items() if difference.after is None}
    folders = {place(u.target, f.path) for u in desired.uploads for f in u.files if f.kind == "folder"}
    before = record.uploads if record else ()
    former = {place(u.target, f.path) for u in before for f in u.files if f.kind == "folder" and f.path}
    return LeftBehind(
        whole=tuple(sorted({*declared, *added, *(() if keeps_image(scene, decision) else OF_THE_SYSTEM)})),
        entries=tuple(sorted(folders)),
        hollow=tuple(sorted(former - folders)),
    )


def describe_carrying(scene: PlanContext, decision: Decision) -> str:
    """For the plan: what is carried over, and what is not."""
    first = "the old container is stopped first, because the files that it has written are carried over"
    if keeps_image(scene, decision):
        return f"{first}; what was deleted of the image's own files comes back"
    return f"{first}, but for those of the system and of package managers, which come from the new image"


def _list_declared(spec: Sandbox) -> set[str]:
    files = {place(u.target, f.path) for u in spec.uploads for f in u.files if f.kind != "folder"}
    return files | {mount.target for mount in spec.mounts}
