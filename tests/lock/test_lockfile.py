"""A lock file pins what a stack file asks for, and is refused where it answers another question."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nexusctl.config.load import load
from nexusctl.config.lockfile import pin_known, pin_stack, read_lock, write_lock
from nexusctl.errors import InputError, PlanError
from nexusctl.model.inputs import Inputs
from nexusctl.model.live import LiveImage, LiveState
from nexusctl.model.lockfile import RECIPE, LockedPackage, LockedSandbox, Lockfile
from nexusctl.model.plan import PullImage
from nexusctl.plan.locking import compare_locks
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
            "api": LockedSandbox(image="node:22", digest=DIGEST, packages=packages),
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
        assert found == {"express": "1.2.3", "requests": "==1.2.3", "flask": "==1.2.3", "curl": "1.2.3"}
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
    assert [(d.field, d.before, d.after) for d in found["api"]] == [("packages.npm.express", "1.2.3", "4.19.2")]
    assert compare_locks(locked(), locked()) == {}
