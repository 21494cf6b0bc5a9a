"""What changes in place elsewhere and not in this sandbox: the plan says why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nexusctl.model.observed.live import Interior, LivePackages
from nexusctl.model.secret import SecretFile
from nexusctl.model.stack import Network, Sandbox, Stack
from nexusctl.model.uploads_and_packages import Package, PackageSet
from nexusctl.plan.plan import make_plan
from tests.plan.live_file import as_applied
from tests.plan.worlds import IMAGE

IN_PLACE = frozenset({"secrets", "packages"})
ELSEWHERE = ", because their index is on this machine, where no sandbox reaches it"


def stack(version: str = "1", **fields: Any) -> Stack:
    packages = (PackageSet(manager="npm", packages=(Package(name="ms", version=version),)),)
    sandbox = Sandbox(name="a", group="a", image=IMAGE, **{"packages": packages, "networks": ("default",), **fields})
    return Stack(name="shop", sandboxes={"a": sandbox}, networks={"default": Network(name="default")})


def reason(before: Stack, after: Stack, in_place: frozenset[str] = IN_PLACE, **live: Any) -> str:
    applied = as_applied(before)
    found = tuple(replace(sandbox, **live) for sandbox in applied.sandboxes)
    changes = make_plan(after, replace(applied, sandboxes=found), in_place).changes
    (change,) = (change for change in changes if change.kind == "sandbox")
    return change.reason if change.action == "replace" else ""


@pytest.mark.parametrize(
    ("in_place", "fields", "live", "why"),
    [
        (IN_PLACE, {}, {}, ""),
        (frozenset(), {}, {}, ELSEWHERE),
        (IN_PLACE, {"user": "1000:1000"}, {}, ", because root installs packages, and it runs as 1000"),
        (IN_PLACE, {}, {"state": "paused"}, ", because it does not run"),
        (IN_PLACE, {"networks": ()}, {}, ", because none of its networks leads to a package index"),
    ],
)
def test_packages_that_do_not_change_in_a_live_container_say_why(
    in_place: frozenset[str], fields: dict[str, Any], live: dict[str, Any], why: str
) -> None:
    expected = f"packages.npm.ms cannot change in a live container{why}" if why else ""
    assert reason(stack("1", **fields), stack("2", **fields), in_place, **live) == expected


def test_what_was_changed_by_hand_and_cannot_be_put_right_says_why() -> None:
    interior = Interior(packages={"npm": LivePackages(asked_for={"ms": "3"}, installed={"ms": "1"})})
    assert reason(stack(), stack(), frozenset(), interior=interior) == (
        f"packages.npm.ms cannot be put right in a live container{ELSEWHERE}"
    )


def test_where_another_field_forces_the_same_nothing_is_said_of_packages() -> None:
    after = stack("2", env={"A": "1"})
    assert reason(stack(), after, frozenset()) == "env.A and packages.npm.ms cannot change in a live container"


def test_the_first_secret_file_says_why_it_needs_a_new_container() -> None:
    after = stack(secrets=(SecretFile(secret="key", name="key", digest="d1"),))
    words = "secrets.key cannot change in a live container, because a folder for secrets is mounted at its creation"
    assert reason(stack(), after) == words


def test_a_list_that_is_installed_in_another_way_needs_a_new_image() -> None:
    npm = PackageSet(manager="npm", packages=(Package(name="ms", version="1"),), ignore_scripts=True)
    words = "because only a new image forgets what npm has installed"
    assert reason(stack(), stack(packages=(npm,))) == (
        f"packages.npm.--ignore-scripts cannot change in a live container, {words}"
    )
    assert reason(stack(packages=()), stack(packages=(npm,))) == "", "there was none before"
