"""What is known of installed packages, as it is kept in labels: data in, data out."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nexusctl.engine import labels
from nexusctl.engine.command import Outcome
from nexusctl.engine.docker.images.package_inventory import InstalledPackages, encode_known, read_packages, recall
from nexusctl.model.uploads_and_packages import PackageSet
from nexusctl.packages import MANAGERS

BORN = ["express==4.0.0", "send==1.0.0", "ms==2.0.0", "send > ms==1.0.0"]


def added(recorded: list[str], *lines: str) -> dict[str, str]:
    """What counts as added where the inventory says `lines` now, and said `recorded` when all was installed."""
    npm = MANAGERS["npm"]

    def ask(command: tuple[str, ...], env: Mapping[str, str]) -> Outcome:
        return Outcome(exit_code=0, output="\n".join(lines) if command == npm.inventory() else "{}")

    marks = {labels.IMAGE_INVENTORY: json.dumps({"npm": recorded})}
    return dict(read_packages(ask, PackageSet(manager="npm"), recall("npm", marks, "")).added)


def test_what_came_below_a_package_counts_as_added_also_under_a_name_that_was_there() -> None:
    assert added(BORN, *BORN) == {}
    assert added(BORN, *BORN, "express > ms==3.0.0") == {"express > ms": "3.0.0"}
    assert added(BORN, *BORN, "send > ms > new==1.0.0", "send > bare") == {"send > ms > new": "1.0.0"}


def test_what_an_older_nexusctl_has_installed_tells_nothing_of_what_lies_below() -> None:
    assert added(["express", "send", "ms"], *BORN, "express > ms==3.0.0") == {}


def test_what_a_package_may_have_brought_itself_does_not_count() -> None:
    assert added(BORN, "express==5.0.0", *BORN[1:], "express > ms==3.0.0") == {}, "it is another version of it"
    assert added(BORN, *BORN[:2], "ms==3.0.0", *BORN[3:], "express > ms==2.0.0") == {}, "it found another one before"
    assert added(BORN, *BORN, "other==1.0.0", "other > ms==3.0.0") == {}, "it was not there"
    assert added(BORN, *BORN, "send > a==1.0.0", "send > a > b==1.0.0") == {"send > a": "1.0.0"}


def test_what_came_in_place_is_kept_beside_what_the_image_says() -> None:
    marks = {labels.IMAGE_INVENTORY: json.dumps({"npm": BORN})}
    known = InstalledPackages(
        installed={"express": "4.1.0"}, inventory={"express": "4.1.0", "send": "1.0.0", "send > ms": "1.0.0"}
    )
    facts = encode_known({"npm": known}, marks)
    assert json.loads(facts)["npm"] == {"installed": {"express": "4.1.0"}, "more": ["express==4.1.0"], "less": ["ms"]}
    assert recall("npm", marks, facts) == known
