"""Images: fetched from a registry, made from a template's recipe, or derived by installing packages."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.base import Report
from nexusctl.engine.cancel import NEVER, Cancel
from nexusctl.engine.command import Outcome
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.client.interruptible import cut_by
from nexusctl.engine.docker.exec.last_line import LastLine
from nexusctl.engine.docker.images.builder import Builder, describe_owner, is_stale, open_builder
from nexusctl.engine.docker.images.debootstrap import import_suite
from nexusctl.engine.docker.images.environment import open_environment
from nexusctl.engine.docker.images.host_trust import host_trust
from nexusctl.engine.docker.images.install import explain, install_apt, last_lines, read_answer
from nexusctl.engine.docker.images.package_inventory import Ask, encode_inventory, take_inventory
from nexusctl.engine.docker.images.pull import pull_image
from nexusctl.errors import Conflict, Diagnostic, EngineError, NotFound, StepError
from nexusctl.model.engine_names import RESOLUTION
from nexusctl.model.plan.plan import BootstrapImage, DeriveImage
from nexusctl.model.template import Recipe
from nexusctl.model.uploads_and_packages import Package, PackageSet
from nexusctl.packages import MANAGERS

__all__ = ["bootstrap_image", "derive_image", "pull_image"]

FORGOTTEN = 24 * 3600.0
"""Seconds after which an image counts as left behind that a lock of another machine needed."""


def derive_image(wire: Wire, step: DeriveImage, report: Report, cancel: Cancel = NEVER) -> None:
    """Make `step.tag`: the packages on top of the base. Nothing is done where it is there already.

    When `cancel` is requested it ends at once. Raises `StepError` with the manager's last lines, `EngineError`.
    """
    if step.whole:
        _remove_left_behind(wire)
    if is_derived(wire, step.tag, step.base):
        return
    before: dict[str, frozenset[Package]] = {}
    trees: dict[str, Any] = {}
    below = wire.get(f"/images/{step.base}/json")
    with (
        cut_by(cancel, wire) as cuttable,
        open_environment(
            cuttable,
            step.base,
            step.packages,
            step.working_dir,
            report,
            before=lambda builder: before.update(_list_all(builder, step)),
            fetched=lambda builder: trees.update(_freeze_all(builder, step)),
        ) as made,
    ):
        builder, folder = made.builder, _folder(made.builder, step)
        after = _list_all(builder, step)
        facts = {
            name: (*sorted(after[name] - before[name] - {*found}, key=str), *found) for name, found in made.came.items()
        }
        inventory: dict[str, list[str]] = {
            chosen.manager: take_inventory(_ask(builder, folder), chosen.manager) for chosen in step.packages
        }
        marks = {labels.IMAGE_PACKAGES: encode_facts(facts), labels.IMAGE_INVENTORY: encode_inventory(inventory)}
        if step.whole:
            marks[labels.BUILDER] = describe_owner()
            marks[labels.IMAGE_TREES] = json.dumps(trees)
        # Somebody else may have made it meanwhile, and containers may run on it already.
        if is_derived(wire, step.tag, step.base):
            return
        outdated = find_image(wire, step.tag)
        builder.commit(step.tag, marks={**_marks(below, step.tag), **marks})
    if outdated and outdated["RepoTags"] == [step.tag]:
        # Without its tag nobody finds it again; the engine keeps it where a container still needs it.
        with contextlib.suppress(EngineError):
            wire.delete(f"/images/{outdated['Id']}")


def _remove_left_behind(wire: Wire) -> None:
    """Remove the images of locks that have died: no other run looks for their tags."""
    for found in wire.get("/images/json", {"filters": {"label": [labels.IMAGE_TREES]}}):
        marks = found["Labels"] or {}
        tag = marks.get(labels.IMAGE_TAG, "")
        # An image brings what labels it likes; it is known by the name that it has here.
        own = tag.startswith(RESOLUTION) and tag in (found["RepoTags"] or ())
        if own and is_stale(marks.get(labels.BUILDER, ""), float(found["Created"]), after=FORGOTTEN):
            with contextlib.suppress(EngineError):
                remove_image(wire, tag)


def _folder(builder: Builder, step: DeriveImage) -> str:
    return step.working_dir or builder.working_dir


def _list_all(builder: Builder, step: DeriveImage) -> dict[str, frozenset[Package]]:
    """Every package that is there, by manager; nothing where nobody asks for the whole."""
    everything = [PackageSet(manager=chosen.manager) for chosen in step.packages]
    if not step.whole:
        return {one.manager: frozenset() for one in everything}
    return {one.manager: frozenset(_list(builder, one, _folder(builder, step))) for one in everything}


def _list(builder: Builder, everything: PackageSet, folder: str) -> tuple[Package, ...]:
    manager = MANAGERS[everything.manager]
    answer = builder.run(manager.query(everything), env=manager.env, working_dir=folder)
    return read_answer(manager, answer.output, everything)


def _freeze_all(builder: Builder, step: DeriveImage) -> dict[str, Any]:
    """What the managers have of locks of their own, after fetching a list."""
    if not step.whole:
        return {}
    lists = [chosen.manager for chosen in step.packages if chosen.packages and MANAGERS[chosen.manager].freeze()]
    return {name: _freeze(builder, name, _folder(builder, step)) for name in lists}


def _freeze(builder: Builder, name: str, folder: str) -> Any:
    manager = MANAGERS[name]
    outcome = builder.run(manager.freeze(), env=manager.env, working_dir=folder)
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(outcome.output)
    raise StepError(Diagnostic(f"{name} does not say what it has installed", output=last_lines(outcome.output)))


def bootstrap_image(wire: Wire, step: BootstrapImage, report: Report, cancel: Cancel = NEVER) -> None:
    """Make `step.tag` from the recipe of `step.template`, from the tag below or from a Debian suite.

    When `cancel` is requested it ends at once. Raises `StepError` where a tool is missing or fails, `EngineError`.
    """
    recipe = step.template.recipe
    assert recipe is not None
    if find_image(wire, step.tag) is not None:
        return
    report(f"bootstrapping from Debian packages: {step.template.name}")
    base = step.base or import_suite(wire, recipe.suite, recipe.apt, ['CMD ["bash"]'], report, cancel)
    trust = host_trust() if recipe.built_in else host_trust().open
    with cut_by(cancel, wire) as cuttable, open_builder(cuttable, base, trust) as builder:
        if recipe.apt and step.base:
            packages = tuple(Package(name=name) for name in recipe.apt)
            install_apt(builder, PackageSet(manager="apt", packages=packages), report)
        if recipe.run:
            _run_recipe(builder, recipe, step.template.name, report)
        builder.commit(
            step.tag, marks=_marks(builder.base, step.tag), changes=configure(recipe, builder.base["Config"])
        )


def find_image(wire: Wire, reference: str) -> dict[str, Any] | None:
    """What the engine says of an image, None where it has none."""
    try:
        found: dict[str, Any] = wire.get(f"/images/{reference}/json")
    except NotFound:
        return None
    return found


def remove_image(wire: Wire, reference: str) -> None:
    """Remove the tag `reference`, and the image with its last one; an absent one is fine, one in use stays."""
    with contextlib.suppress(NotFound, Conflict):
        wire.delete(f"/images/{reference}")


def is_derived(wire: Wire, tag: str, base: str) -> bool:
    """Whether `tag` is there and was made from what `base` is now."""
    derived, below = find_image(wire, tag), find_image(wire, base)
    if derived is None or below is None:
        return False
    return bool((derived["Config"].get("Labels") or {}).get(labels.IMAGE_BASE) == below["Id"])


def encode_facts(facts: Mapping[str, tuple[Package, ...]]) -> str:
    """Such as `{"npm": {"express": "4.19.2"}}`."""
    versions = {manager: {package.name: package.version for package in found} for manager, found in facts.items()}
    return json.dumps(versions, sort_keys=True, separators=(",", ":"))


def configure(recipe: Recipe, base: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of an image's configuration that the recipe names; the rest stays the base's."""
    env = dict(entry.partition("=")[::2] for entry in base.get("Env") or [])
    changes: dict[str, Any] = {"Env": [f"{name}={value}" for name, value in {**env, **recipe.env}.items()]}
    if recipe.entrypoint:
        changes["Entrypoint"] = list(recipe.entrypoint)
    if recipe.command:
        changes["Cmd"] = list(recipe.command)
    if recipe.working_dir:
        changes["WorkingDir"] = recipe.working_dir
    return changes


def _marks(base: Mapping[str, Any], tag: str) -> dict[str, str]:
    return {labels.IMAGE_BASE: str(base["Id"]), labels.IMAGE_TAG: tag}


def _ask(builder: Builder, folder: str) -> Ask:
    def ask(command: tuple[str, ...], env: Mapping[str, str]) -> Outcome:
        return builder.run(command, env=env, working_dir=folder)

    return ask


def _run_recipe(builder: Builder, recipe: Recipe, name: str, report: Report) -> None:
    doing = f"bootstrapping: running the recipe of {name}"
    report(doing)
    apt, last = MANAGERS["apt"], LastLine(report, doing)
    outcome = builder.run(("/bin/sh", "-ec", recipe.run), env={**apt.env, **recipe.env}, on_output=last.take)
    if outcome.exit_code != 0:
        hint = explain(apt, PackageSet(manager="apt"), outcome.exit_code, outcome.output).hint
        summary = f"the recipe of the template {name} failed with exit code {outcome.exit_code}"
        raise StepError(Diagnostic(summary, hint=hint, output=last_lines(outcome.output)))
