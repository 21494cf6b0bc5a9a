"""What a lock says of a stack: the plan that finds it out, and what was found. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from nexusctl.model.engine_names import RESOLUTION, environment_tag, image_reference
from nexusctl.model.lockfile import (
    LOCK_NAME,
    RECIPE,
    LockedPackage,
    LockedSandbox,
    Lockfile,
    lock_keys,
    tree_versions,
)
from nexusctl.model.observed.live import LiveState
from nexusctl.model.plan.plan import DeriveImage, Difference, Plan, Step
from nexusctl.model.plan.step_id import step_id
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.model.uploads_and_packages import PackageSet
from nexusctl.model.values.checksum import sha256
from nexusctl.plan.decide.images import choose_base
from nexusctl.plan.steps.order import order_steps


def plan_resolution(stack: Stack, live: LiveState, mark: str) -> Plan:
    """The plan that installs the packages of `stack` once each, into images that only the lock needs.

    `mark` makes their tags, so that no image of an earlier day answers for what a manager would choose now.
    """
    steps: dict[str, Step] = {}
    for key, sandbox in _list_distinct(stack):
        base = choose_base(sandbox, stack, live)
        steps |= {step.id: step for step in base.steps}
        if any(chosen.packages for chosen in sandbox.packages):
            tag = resolution_tag(sandbox, base.reference, mark)
            steps[step_id("image", tag, "derive")] = DeriveImage(
                id=step_id("image", tag, "derive"),
                subject=f"versions for {key}",
                needs=(base.steps[-1].id,) if base.steps else (),
                tag=tag,
                base=base.reference,
                packages=sandbox.packages,
                working_dir=sandbox.working_dir,
                whole=True,
            )
    return Plan(stack=stack.name, steps=order_steps(steps.values()))


def resolution_tag(sandbox: Sandbox, base: str, mark: str) -> str:
    return f"{RESOLUTION}{mark}-{environment_tag(base, sandbox.packages, sandbox.working_dir).rpartition(':')[2]}"


def take_lock(asked: Stack, resolved: Stack, live: LiveState, mark: str) -> Lockfile:
    """The lock of the stack `asked`, from what was made for `resolved`, which is that stack as far as it was known."""
    return Lockfile(
        sandboxes={
            key: _lock_sandbox(sandbox, resolved.sandboxes[sandbox.name], resolved, live, mark)
            for key, sandbox in _list_distinct(asked)
        }
    )


def compare_locks(before: Lockfile, after: Lockfile) -> dict[str, tuple[Difference, ...]]:
    """What differs, by sandbox."""
    names = sorted(before.sandboxes.keys() | after.sandboxes.keys())
    found = {name: tuple(_compare(before.sandboxes.get(name), after.sandboxes.get(name))) for name in names}
    return {name: differences for name, differences in found.items() if differences}


def keep_inactive(found: Lockfile, known: Lockfile, stack: Stack) -> Lockfile:
    """`found` with what was `known` of sandboxes whose profile was not asked for."""
    groups = tuple(f"{group}-" for group in stack.inactive)
    kept = {key: entry for key, entry in known.sandboxes.items() if f"{key}-".startswith(groups)}
    return Lockfile(sandboxes={**kept, **found.sandboxes})


def _list_distinct(stack: Stack) -> Iterator[tuple[str, Sandbox]]:
    """The first sandbox of each key of a lock."""
    seen: set[str] = set()
    for name, key in lock_keys(stack).items():
        if key not in seen:
            seen.add(key)
            yield key, stack.sandboxes[name]


def _lock_sandbox(asked: Sandbox, resolved: Sandbox, stack: Stack, live: LiveState, mark: str) -> LockedSandbox:
    reference = image_reference(asked.image)
    base = choose_base(asked, stack, live)
    image = live.images[base.reference]
    digest = image.digest or image.id if base.reference == reference else f"{RECIPE}{base.reference}"
    facts: Mapping[str, Mapping[str, str]] = {}
    trees: Mapping[str, Mapping[str, Any]] = {}
    if any(chosen.packages for chosen in asked.packages):
        made = live.images[resolution_tag(resolved, base.reference, mark)]
        facts, trees = json.loads(made.packages or "{}"), json.loads(made.trees or "{}")
    return LockedSandbox(
        image=reference,
        digest=digest,
        packages={
            chosen.manager: _lock_packages(chosen, facts.get(chosen.manager, {}))
            for chosen in asked.packages
            if chosen.packages
        },
        needs={
            chosen.manager: needs
            for chosen in asked.packages
            if chosen.packages
            and chosen.manager not in trees
            and (needs := _lock_needs(chosen, facts.get(chosen.manager, {})))
        },
        trees={c.manager: trees[c.manager] for c in asked.packages if c.packages and c.manager in trees},
    )


def _lock_needs(chosen: PackageSet, facts: Mapping[str, str]) -> dict[str, str]:
    """What came with the packages, from a manager that has no tree."""
    named = {_normal(package.name) for package in chosen.packages}
    return {name: version for name, version in sorted(facts.items()) if _normal(name) not in named}


def _lock_packages(chosen: PackageSet, facts: Mapping[str, str]) -> dict[str, LockedPackage]:
    """Managers may write a name in their own way, such as pip with dashes and without extras."""
    versions = {_normal(name): version for name, version in facts.items()}
    return {
        package.name: LockedPackage(asked=package.version, version=versions[_normal(package.name)])
        for package in chosen.packages
        if _normal(package.name) in versions
    }


def _normal(name: str) -> str:
    return name.partition("[")[0].replace("_", "-").replace(".", "-").lower()


def _compare(before: LockedSandbox | None, after: LockedSandbox | None) -> Iterator[Difference]:
    old, new = _flatten(before), _flatten(after)
    for field in sorted(old.keys() | new.keys()):
        if old.get(field) != new.get(field):
            yield Difference(field=field, before=old.get(field), after=new.get(field), effect="record")


def _flatten(locked: LockedSandbox | None) -> dict[str, str]:
    if locked is None:
        return {}
    versions = {
        f"packages.{manager}.{name}": package.version
        for manager, found in locked.packages.items()
        for name, package in found.items()
    }
    needs = {
        f"packages.{manager}.{name}": version
        for manager, found in locked.needs.items()
        for name, version in found.items()
    }
    trees = {
        f"packages.{manager}.{place}": version
        for manager, tree in locked.trees.items()
        for place, version in tree_versions(tree).items()
    }
    wholes = {f"packages.{manager}.{LOCK_NAME}": _short(tree) for manager, tree in locked.trees.items()}
    return {f"image {locked.image}": locked.digest, **needs, **trees, **versions, **wholes}


def _short(tree: Mapping[str, Any]) -> str:
    return f"sha256:{sha256(json.dumps(tree, sort_keys=True).encode())[:12]}"
