"""A lock file pins what a stack file asks for, and is refused where it answers another question."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nexusctl.config.load import load
from nexusctl.config.lockfile import pin_known, pin_stack, read_lock, write_lock
from nexusctl.errors import InputError, PlanError
from nexusctl.model.load_request import Inputs
from nexusctl.model.lockfile import RECIPE, LockedPackage, LockedSandbox, Lockfile, lock_keys
from nexusctl.model.observed.live import LiveImage, LiveSandbox, LiveState
from nexusctl.model.plan.plan import PullImage
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.model.uploads_and_packages import Package, PackageSet
from nexusctl.plan.commands.lockfile import compare_locks, keep_inactive, plan_resolution
from nexusctl.plan.compare.claims import Claim
from nexusctl.plan.compare.fields import compare
from nexusctl.plan.compare.ignore import leave_ignored
from nexusctl.plan.plan import make_plan

TEXT = """\
name: shop
sandboxes:
  api:
    image: node:22
    packages: {npm: [express@^4], pip: [requests, "flask>=3"], apt: [curl]}
    replicas: 2
  db: {image: postgres:16}
"""
DIGEST = "sha256:" + "a" * 64


def tree(express: str = "1.2.3", deep: str = "2.0.0", integrity: str = "sha512-a") -> dict[str, Any]:
    """What npm says of express: it needs ms, and debug, which needs another ms; two things are not everywhere."""
    entries = {
        "": {"dependencies": {"express": f"^{express}"}},
        "node_modules/express": {"version": express, "integrity": integrity},
        "node_modules/debug": {"version": "2.6.9"},
        "node_modules/debug/node_modules/ms": {"version": deep},
        "node_modules/@scope/ms": {"version": "2.1.3"},
        "node_modules/fsevents": {"version": "1.0.0", "optional": True},
        "node_modules/tested": {"version": "1.0.0", "dev": True},
    }
    return {
        "package.json": {"private": True, "dependencies": {"express": f"^{express}"}},
        "package-lock.json": {"lockfileVersion": 3, "packages": entries},
    }


PATH = Path("nexus.lock")


def locked(**versions: str) -> Lockfile:
    asked = {"express": "^4", "requests": "", "flask": ">=3", "curl": ""}
    managers = {"npm": ("express",), "pip": ("requests", "flask"), "apt": ("curl",)}
    packages = {
        manager: {name: LockedPackage(asked=asked[name], version=versions.get(name, "1.2.3")) for name in names}
        for manager, names in managers.items()
    }
    return Lockfile(
        sandboxes={
            "api": LockedSandbox(
                image="node:22", digest=DIGEST, packages=packages, trees={"npm": tree(versions.get("express", "1.2.3"))}
            ),
            "db": LockedSandbox(image="postgres:16", digest=DIGEST),
        }
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "nexus.yaml"
    path.write_text(TEXT)
    return path


def test_every_manager_is_told_exactly_one_version(file: Path) -> None:
    stack = pin_stack(load(Inputs(files=(file,))), locked(), PATH)
    for name in ("api-1", "api-2"):
        found = {p.name: p.version for chosen in stack.sandboxes[name].packages for p in chosen.packages}
        assert found == {
            "express": "1.2.3",
            "debug": "2.6.9",
            "@scope/ms": "2.1.3",
            "requests": "==1.2.3",
            "flask": "==1.2.3",
            "curl": "1.2.3",
        }
    assert stack.digests == {"node:22": DIGEST, "postgres:16": DIGEST}


def test_what_the_packages_need_is_asked_for_in_exactly_one_version_too(file: Path) -> None:
    api = replace(locked().sandboxes["api"], needs={"pip": {"urllib3": "2.1.0"}, "apt": {"libcurl4": "8.1"}})
    lock = Lockfile(sandboxes={**locked().sandboxes, "api": api})
    stack = pin_stack(load(Inputs(files=(file,))), lock, PATH)
    found = {p.name: p.version for chosen in stack.sandboxes["api-1"].packages for p in chosen.packages}
    assert (found["urllib3"], found["libcurl4"]) == ("==2.1.0", "8.1")
    file.write_text(TEXT.replace("[requests,", "[requests, httpx,"))
    stack = pin_known(load(Inputs(files=(file,))), lock)
    found = {p.name: p.version for chosen in stack.sandboxes["api-1"].packages for p in chosen.packages}
    assert "urllib3" not in found
    assert (found["requests"], found["httpx"], found["libcurl4"]) == ("==1.2.3", "", "8.1")


def test_a_lock_file_is_used_where_the_inputs_name_it(file: Path) -> None:
    lock = file.with_suffix(".lock")
    lock.write_text(write_lock(locked()))
    assert load(Inputs(files=(file,), lock=lock)).digests
    assert not load(Inputs(files=(file,))).digests


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    db = replace(locked().sandboxes["db"], needs={"apt": {"libpq5": "16.1"}})
    lock = Lockfile(sandboxes={**locked().sandboxes, "db": db})
    (tmp_path / "nexus.lock").write_text(write_lock(lock))
    assert read_lock(tmp_path / "nexus.lock") == lock


def test_sandboxes_with_the_same_tree_share_it_and_a_large_one_is_read_again(tmp_path: Path) -> None:
    large = tree()
    for number in range(20_000):
        entry = {"version": "1.0.0", "integrity": "sha512-" + "x" * 88, "engines": {"node": "\ufeff>= 18"}}
        large["package-lock.json"]["packages"][f"node_modules/n{number}"] = entry
    api = replace(locked().sandboxes["api"], trees={"npm": large})
    lock = Lockfile(sandboxes={"one": api, "two": api, "three": locked().sandboxes["api"]})
    text = write_lock(lock)
    assert text.count('"node_modules/n7"') == 1
    (tmp_path / "nexus.lock").write_text(text)
    assert read_lock(tmp_path / "nexus.lock") == lock


def test_all_that_the_lock_does_not_cover_is_named_at_once(file: Path) -> None:
    file.write_text(
        TEXT.replace("express@^4", "express@^5, koa").replace("postgres:16", "postgres:17") + "  new: {image: x}\n"
    )
    with pytest.raises(InputError) as caught:
        pin_stack(load(Inputs(files=(file,))), locked(), PATH)
    assert [problem.summary for problem in caught.value.diagnostics] == [
        "nexus.lock does not have the npm package express ^5 of sandbox api",
        "nexus.lock does not have the npm package koa of sandbox api",
        "nexus.lock does not have the image postgres:17 of sandbox db, but postgres:16",
        "nexus.lock does not have the sandbox new",
    ]


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"format": "nexusctl-lock", "format_version": 2}', "\x00"])
def test_a_file_that_is_no_lock_file_is_refused_in_our_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "nexus.lock"
    path.write_text(text)
    with pytest.raises(InputError):
        read_lock(path)


def test_a_lock_file_that_is_not_there_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_lock(tmp_path / "nexus.lock")
    assert caught.value.diagnostics[0].hint == "`nexusctl lock` writes it"


def test_another_image_under_a_locked_reference_is_refused_before_anything_is_done(file: Path) -> None:
    stack = pin_stack(load(Inputs(files=(file,))), locked(), PATH)
    images = {"node:22": LiveImage(id="sha256:other", reference="node:22", digest="sha256:moved")}
    with pytest.raises(PlanError) as caught:
        make_plan(stack, LiveState(stack="shop", images=images), frozenset())
    (problem,) = caught.value.diagnostics
    assert problem.summary == f"the image node:22 is sha256:moved, and the lock file says {DIGEST}"


@pytest.mark.parametrize("image", [LiveImage(id="x", reference="", digest=DIGEST), LiveImage(id=DIGEST, reference="")])
def test_the_locked_image_is_known_by_its_digest_or_its_id(file: Path, image: LiveImage) -> None:
    stack = pin_stack(load(Inputs(files=(file,))), locked(), PATH)
    plan = make_plan(stack, LiveState(stack="shop", images={"node:22": image, "postgres:16": image}), frozenset())
    assert not [step for step in plan.steps if isinstance(step, PullImage)]


def test_a_missing_image_is_fetched_by_its_locked_digest(file: Path) -> None:
    stack = pin_stack(load(Inputs(files=(file,))), locked(), PATH)
    pulls = [s for s in make_plan(stack, LiveState(stack="shop"), frozenset()).steps if isinstance(s, PullImage)]
    assert {(step.reference, step.digest) for step in pulls} == {("node:22", DIGEST), ("postgres:16", DIGEST)}


def test_an_image_that_was_made_from_a_recipe_is_not_exchanged_for_one_from_a_registry(file: Path) -> None:
    lock = locked()
    recipe = replace(lock.sandboxes["db"], digest=f"{RECIPE}nexusctl/postgres:abc")
    lock = Lockfile(sandboxes={**lock.sandboxes, "db": recipe})
    stack = pin_stack(load(Inputs(files=(file,))), lock, PATH)
    with pytest.raises(PlanError) as caught:
        make_plan(stack, LiveState(stack="shop"), frozenset())
    assert "to be fetched from its registry" in caught.value.diagnostics[0].summary


def test_two_locks_are_compared_field_by_field() -> None:
    found = compare_locks(locked(), locked(express="4.19.2"))
    changed = {d.field: (d.before, d.after) for d in found["api"]}
    assert changed.pop("packages.npm.package-lock.json")
    assert changed == {"packages.npm.express": ("1.2.3", "4.19.2")}
    assert compare_locks(locked(), locked()) == {}


def test_whatever_differs_in_a_tree_of_npms_differs_in_the_lock() -> None:
    before = locked().sandboxes["api"]
    for after, fields in (
        (tree(deep="2.0.1"), ["packages.npm.debug > ms", "packages.npm.package-lock.json"]),
        (tree(integrity="sha512-b"), ["packages.npm.package-lock.json"]),
    ):
        other = Lockfile(sandboxes={"api": replace(before, trees={"npm": after})})
        found = compare_locks(Lockfile(sandboxes={"api": before}), other)
        assert [difference.field for difference in found["api"]] == fields


EACH = """\
name: shop
sandboxes:
  one:
    image: node:22
    for_each: {a: {p: ms}, b: {p: koa}}
    packages: {pip: ["${each.value.p}"]}
  two: {image: node:22, for_each: [a, b], packages: {pip: [ms]}}
  off: {image: node:23, profiles: [debug]}
"""


def test_instances_that_differ_have_an_entry_each_and_those_that_are_alike_one(file: Path) -> None:
    file.write_text(EACH)
    stack = load(Inputs(files=(file,)))
    assert lock_keys(stack) == {"one-a": "one-a", "one-b": "one-b", "two-a": "two", "two-b": "two"}
    entries = {
        key: LockedSandbox(
            image="node:22",
            digest=DIGEST,
            packages={"pip": {name: LockedPackage(asked="", version="1.0")}},
            needs={"pip": {f"{name}-base": "2.0"}},
        )
        for key, name in {"one-a": "ms", "one-b": "koa", "two": "ms"}.items()
    }
    pinned = pin_stack(stack, Lockfile(sandboxes=entries), PATH)
    found = {name: [p.name for p in s.packages[0].packages] for name, s in pinned.sandboxes.items()}
    assert found == {
        "one-a": ["ms", "ms-base"],
        "one-b": ["koa", "koa-base"],
        "two-a": ["ms", "ms-base"],
        "two-b": ["ms", "ms-base"],
    }
    steps = [step for step in plan_resolution(stack, LiveState(stack="shop"), "mark").steps if hasattr(step, "whole")]
    assert {tuple(p.name for p in step.packages[0].packages) for step in steps} == {("ms",), ("koa",)}


def test_a_lock_still_holds_where_instances_begin_or_cease_to_differ_because_another_came_or_went(file: Path) -> None:
    text = "name: x\nsandboxes: {a: {image: i, packages: {apt: ['${each.key}']}, for_each: KEYS}}\n"
    file.write_text(text.replace("KEYS", "[one, two]"))
    both = Lockfile(sandboxes={f"a-{key}": entry(key) for key in ("one", "two")})
    assert {s.packages[0].packages[0].version for s in pin_stack(load(file), both, PATH).sandboxes.values()} == {"1.0"}
    file.write_text(text.replace("KEYS", "[one]"))
    (left,) = pin_stack(load(file), both, PATH).sandboxes.values()
    assert left.packages[0].packages == (Package(name="one", version="1.0"),)

    alone = Lockfile(sandboxes={"a": entry("one")})
    file.write_text(text.replace("KEYS", "[one, two]"))
    with pytest.raises(InputError) as caught:
        pin_stack(load(file), alone, PATH)
    assert all("a-two" in problem.summary for problem in caught.value.diagnostics), "of a-one it is known"
    assert pin_known(load(file), alone).sandboxes["a-one"].packages == left.packages


def entry(package: str) -> LockedSandbox:
    known = {"apt": {package: LockedPackage(asked="", version="1.0")}}
    return LockedSandbox(image="i:latest", digest=DIGEST, packages=known)


def test_what_is_locked_of_a_profile_that_was_not_asked_for_stays(file: Path) -> None:
    file.write_text(EACH)
    stack = load(Inputs(files=(file,)))
    off = {"off": LockedSandbox(image="node:23", digest=DIGEST), "gone": LockedSandbox(image="x", digest=DIGEST)}
    found = keep_inactive(Lockfile(sandboxes={}), Lockfile(sandboxes=off), stack)
    assert found.sandboxes.keys() == {"off"}


def test_npm_is_given_the_tree_that_is_locked_and_the_plan_tells_its_digest(file: Path) -> None:
    chosen = npm_of(pin_stack(load(Inputs(files=(file,))), locked(), PATH))
    assert chosen.lock_name == "package-lock.json"
    assert json.loads(chosen.lock_texts["package-lock.json"]) == tree()["package-lock.json"]
    sizes = {name: len(text.encode()) for name, text in chosen.lock_texts.items()}
    assert {f.path: f.size for f in chosen.lock_files} == sizes
    deep = replace(locked().sandboxes["api"], trees={"npm": tree(deep="2.0.1")})
    other = npm_of(
        pin_stack(load(Inputs(files=(file,))), Lockfile(sandboxes={**locked().sandboxes, "api": deep}), PATH)
    )
    one, two = (Sandbox(name="api", group="api", image="x", packages=(packages,)) for packages in (chosen, other))
    (difference,) = compare(one, two, frozenset({"packages"}))
    assert (difference.field, difference.effect) == ("packages.npm.package-lock.json", "in_place")


def test_a_tree_is_kept_as_the_place_to_start_from_where_packages_come_or_go(file: Path) -> None:
    file.write_text(TEXT.replace("[express@^4]", "[koa]"))
    chosen = npm_of(pin_known(load(Inputs(files=(file,))), locked()))
    assert [(p.name, p.version) for p in chosen.packages] == [("koa", "")]
    assert not chosen.lock_name
    assert json.loads(chosen.lock_texts["package.json"])["dependencies"] == {}
    assert json.loads(chosen.lock_texts["package-lock.json"]) == tree()["package-lock.json"]


def npm_of(stack: Stack) -> PackageSet:
    (chosen,) = (c for c in stack.sandboxes["api-1"].packages if c.manager == "npm")
    return chosen


def test_what_is_locked_and_not_asked_for_any_more_is_refused_for_others_came_with_it(file: Path) -> None:
    file.write_text(TEXT.replace('[requests, "flask>=3"]', "[requests]"))
    with pytest.raises(InputError) as caught:
        pin_stack(load(Inputs(files=(file,))), locked(), PATH)
    (problem,) = caught.value.diagnostics
    assert problem.summary == "nexus.lock does not have the pip packages of sandbox api without flask"


def test_a_lock_that_does_not_say_what_npm_packages_need_is_refused(file: Path) -> None:
    lock = Lockfile(sandboxes={n: replace(entry, trees={}) for n, entry in locked().sandboxes.items()})
    with pytest.raises(InputError) as caught:
        pin_stack(load(Inputs(files=(file,))), lock, PATH)
    (problem,) = caught.value.diagnostics
    assert problem.summary == "nexus.lock does not have what the npm packages of sandbox api need"


def test_an_ignored_package_leaves_all_that_was_locked_with_it_as_it_was(file: Path) -> None:
    file.write_text(TEXT.replace("    replicas: 2\n", "    lifecycle: {ignore: [packages.npm.express]}\n"))
    stack = pin_stack(load(Inputs(files=(file,))), locked(), PATH)
    before = replace(stack.sandboxes["api"], packages=(PackageSet(manager="npm", packages=(Package(name="express"),)),))
    claim = Claim(holder=LiveSandbox(id="1", name="shop_api", sandbox="api", state="running", record=before))
    left = leave_ignored(stack, {"api": claim}).sandboxes["api"]
    assert next(c for c in left.packages if c.manager == "npm") == before.packages[0]
