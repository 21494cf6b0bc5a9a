"""Which image a new container starts from, and the steps that make it where it is missing."""

from __future__ import annotations

from collections.abc import Iterator

from nexusctl.errors import Diagnostic
from nexusctl.model.engine_names import environment_tag, image_reference, is_environment, recipe_tag
from nexusctl.model.lockfile import RECIPE
from nexusctl.model.observed.live import LiveImage, LiveSandbox, LiveState
from nexusctl.model.plan.plan import BootstrapImage, DeriveImage, Difference, PullImage, Step
from nexusctl.model.plan.step_id import step_id
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.model.template import Template
from nexusctl.model.uploads_and_packages import PackageSet
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageChoice:
    """What the container is created from, the steps that make it (in order), and notes for the user."""

    reference: str
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()


def choose_image(sandbox: Sandbox, stack: Stack, live: LiveState) -> ImageChoice:
    """The image of `sandbox`: its base, with its packages on top where it has any."""
    base = choose_base(sandbox, stack, live)
    if not sandbox.packages:
        return base
    tag = environment_tag(base.reference, sandbox.packages, sandbox.working_dir)
    if not base.steps and _is_current(tag, base.reference, live):
        return ImageChoice(reference=tag)
    derive = DeriveImage(
        id=step_id("image", tag, "derive"),
        subject=tag,
        needs=(base.steps[-1].id,) if base.steps else (),
        tag=tag,
        base=base.reference,
        packages=sandbox.packages,
        working_dir=sandbox.working_dir,
    )
    return ImageChoice(reference=tag, steps=(*base.steps, derive), notes=base.notes)


def find_moved_image(sandbox: Sandbox, stack: Stack, live: LiveState, holder: LiveSandbox) -> Difference | None:
    """The difference where what `holder` was created from means another image by now.

    That is looked at where it was inspected, or where a lock says which image it has to be.
    """
    record, seen = holder.record, holder.inspection
    locked = image_reference(sandbox.image) in stack.digests
    if record is None or not (seen or locked) or sandbox.kind == "task":
        return None
    base = choose_base(sandbox, stack, live)
    born = image_reference(seen.image if seen else holder.image)
    present = live.images.get(born)
    if present is None or (born != base.reference and not is_environment(born)):
        return None
    rebuilt = base.reference if is_environment(born) and _is_outdated(present, sandbox, base, live) else ""
    if present.id == holder.image_id and not rebuilt:
        return None
    after = f"to be made from {rebuilt} as it is now" if rebuilt else _short(present.id)
    return Difference(field="image", before=_short(holder.image_id), after=after, cause="drifted", effect="replace")


def describe_packages(packages: tuple[PackageSet, ...]) -> str:
    """Such as `7 npm packages` or `package-lock.json`."""
    words = []
    for chosen in packages:
        if chosen.lock_name and not chosen.packages:
            words.append(chosen.lock_name)
        if count := len(chosen.packages):
            words.append(f"{count} {chosen.manager} package{'s' if count > 1 else ''}")
    return " and ".join(words)


def _is_outdated(environment: LiveImage, sandbox: Sandbox, base: ImageChoice, live: LiveState) -> bool:
    """Whether an image with packages was made from what `base` meant before.

    Other packages may have come in place since. Then its tag does not tell the base any more, but as long as the
    image that it was made from has a name, that name has not moved.
    """
    if base.steps or _is_current(environment.reference, base.reference, live):
        return False
    if environment.reference == environment_tag(base.reference, sandbox.packages, sandbox.working_dir):
        return True
    return all(image.id != environment.base_id for image in live.images.values())


def _short(image_id: str) -> str:
    return image_id[: len("sha256:") + 12]


def find_unlocked(stack: Stack, live: LiveState) -> Iterator[Diagnostic]:
    """Images that are not what the lock file says, or could not be made so."""
    users = {image_reference(sandbox.image): sandbox for sandbox in stack.sandboxes.values()}
    for reference, sandbox in users.items():
        locked = stack.digests.get(reference)
        if locked and (found := _find_other(sandbox, locked, stack, live)):
            yield Diagnostic(
                f"the image {reference} is {found}, and the lock file says {locked}",
                sandbox=sandbox.name,
                hint="`nexusctl lock --update` takes what there is now; or bring the locked image back",
            )


def _find_other(sandbox: Sandbox, locked: str, stack: Stack, live: LiveState) -> str:
    """What stands in the place of the image `locked`, empty where that itself does or can be fetched."""
    base = choose_base(sandbox, stack, live)
    image = live.images.get(base.reference)
    if base.reference != image_reference(sandbox.image):
        return "" if locked == f"{RECIPE}{base.reference}" else f"made from the recipe {base.reference}"
    if image is None:
        return "to be fetched from its registry" if locked.startswith(RECIPE) else ""
    return "" if locked in (image.digest, image.id) else image.digest or image.id


def choose_base(sandbox: Sandbox, stack: Stack, live: LiveState) -> ImageChoice:
    """The image below the packages of `sandbox`, and the steps that make it."""
    reference = image_reference(sandbox.image)
    if reference in live.images:
        return ImageChoice(reference=reference)
    template = stack.templates.get(sandbox.template or "")
    if template is None or template.recipe is None or image_reference(template.image) != reference:
        return _pull(reference, stack)
    tag = recipe_tag(template)
    if tag in live.images:
        return ImageChoice(reference=tag)
    if reference not in live.unreachable:
        return _pull(reference, stack)
    note = f"no registry answers for {reference}: its template is made from distribution packages instead"
    return ImageChoice(reference=tag, steps=_bootstrap_chain(template, stack, live), notes=(note,))


def _pull(reference: str, stack: Stack) -> ImageChoice:
    step = PullImage(
        id=step_id("image", reference, "pull"),
        subject=reference,
        reference=reference,
        digest=stack.digests.get(reference, ""),
    )
    return ImageChoice(reference=reference, steps=(step,))


def _bootstrap_chain(template: Template, stack: Stack, live: LiveState) -> tuple[Step, ...]:
    assert template.recipe is not None
    tag = recipe_tag(template)
    if tag in live.images:
        return ()
    below = stack.templates[template.recipe.base] if template.recipe.base else None
    steps = _bootstrap_chain(below, stack, live) if below else ()
    step = BootstrapImage(
        id=step_id("image", tag, "bootstrap"),
        subject=tag,
        needs=(steps[-1].id,) if steps else (),
        template=template,
        tag=tag,
        base=recipe_tag(below) if below else "",
    )
    return (*steps, step)


def _is_current(tag: str, base: str, live: LiveState) -> bool:
    derived = live.images.get(tag)
    return derived is not None and derived.base_id in ("", live.images[base].id)
