"""How packages are installed is a part of what is asked for: recorded, compared, and new only in its own words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nexusctl.model.engine_names import environment_tag
from nexusctl.model.record import decode, encode, plain
from nexusctl.model.stack import Sandbox
from nexusctl.model.uploads_and_packages import Package, PackageSet, UploadFile
from nexusctl.plan.compare.fields import compare

LOCK_FILE = UploadFile(path="package-lock.json", digest="0" * 64, mode=0o644, size=1)
LISTED = PackageSet(manager="npm", packages=(Package(name="ms", version="2"),))
LOCKED = PackageSet(manager="npm", lock_name="package-lock.json", lock_files=(LOCK_FILE,))
SAID: dict[str, Any] = {"ignore_scripts": True, "omit": ("dev", "peer")}


def sandbox(chosen: PackageSet) -> Sandbox:
    return Sandbox(name="a", group="a", image="node:22", packages=(chosen,))


def test_without_options_images_and_records_are_what_they_were() -> None:
    assert environment_tag("node:22", (LISTED,), "/app") == "nexusctl/env:ff5d2eaa7ff7dd89"
    assert environment_tag("node:22", (LOCKED,), "/app") == "nexusctl/env:b2089bf3ca09751d"
    assert plain(LISTED) == {"manager": "npm", "packages": [{"name": "ms", "version": "2"}]}
    assert decode(encode(sandbox(LISTED))).packages[0].options == (False, ())


def test_each_option_makes_an_image_of_its_own() -> None:
    named = replace(LISTED, ignore_scripts=("pg",))
    ways = [LISTED, named, *(replace(LISTED, **{key: value}) for key, value in SAID.items()), replace(LISTED, **SAID)]
    assert len({environment_tag("node:22", (chosen,), "/app") for chosen in ways}) == len(ways)


def test_the_packages_whose_scripts_do_not_run_are_recorded_and_compared_by_name() -> None:
    named = replace(LISTED, ignore_scripts=("bcrypt", "pg"))
    assert decode(encode(sandbox(named))).packages == (named,)
    (found,) = compare(sandbox(named), sandbox(replace(LISTED, ignore_scripts=("pg",))), frozenset())
    assert (found.field, found.before, found.after, found.effect) == (
        "packages.npm.--ignore-scripts",
        ["bcrypt", "pg"],
        ["pg"],
        "replace",
    )


def test_a_change_of_options_shows_also_where_list_or_lock_stays() -> None:
    # A package may be called `omit`.
    listed = replace(LISTED, packages=(*LISTED.packages, Package(name="omit", version="1")))
    for usual in (listed, LOCKED):
        found = compare(sandbox(usual), sandbox(replace(usual, **SAID)), frozenset())
        assert [(d.field, d.before, d.after, d.effect) for d in found] == [
            ("packages.npm.--ignore-scripts", None, True, "replace"),
            ("packages.npm.--omit", None, ["dev", "peer"], "replace"),
        ]
