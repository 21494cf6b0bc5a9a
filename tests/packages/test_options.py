"""How npm installs, as a stack file says it: without the packages' scripts, and without kinds of dependencies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests.drift.scene import findings
from tests.packages.test_in_place import Box
from tests.packages.test_native import NATIVE

pytestmark = pytest.mark.engine

# Its peer is `react`, which npm installs unless it is told not to.
WITH_PEER = "use-sync-external-store@1.2.0"


@pytest.fixture
def box(wire: Wire, tmp_path: Path) -> Iterator[Box]:
    box = Box(wire, tmp_path)
    yield box
    box.scene.destroy()


def folders(box: Box) -> set[str]:
    return set(box.scene.inside("box", "ls /app/node_modules").split())


def test_no_install_script_runs_in_a_new_image_nor_in_the_live_sandbox(box: Box, node_image: str) -> None:
    """Without a compiler the script of this package fails, see `test_native`."""
    box.ask_for(f"{{npm: {{packages: [{NATIVE}], ignore_scripts: true}}}}")
    box.scene.apply()
    assert findings(box.scene.plan()) == set()
    assert "unix-dgram" in folders(box)
    box.change("{npm: {packages: [ms@2.1.3], ignore_scripts: true}}")
    assert "unix-dgram" not in folders(box)
    box.change(f"{{npm: {{packages: [ms@2.1.3, {NATIVE}], ignore_scripts: true}}}}")
    assert box.scene.inside("box", "ls -d /app/node_modules/unix-dgram/build 2>/dev/null || true") == ""
    box.ask_for(f"[ms@2.1.3, {NATIVE}]")
    changed = ("sandbox box", "replace", "packages.npm.--ignore-scripts", "changed")
    assert changed in findings(box.scene.plan(deep=False))
    (failed, *_) = box.fail()
    assert "npm could not install unix-dgram" in failed.problem.summary


def test_what_is_omitted_does_not_come_with_a_later_change(box: Box, node_image: str) -> None:
    box.ask_for(f"{{npm: {{packages: [{WITH_PEER}], omit: [peer]}}}}")
    box.scene.apply()
    assert "react" not in folders(box)
    box.change(f"{{npm: {{packages: [{WITH_PEER}, ms@2.1.3], omit: [peer]}}}}")
    box.change(f"{{npm: {{packages: [{WITH_PEER}], omit: [peer]}}}}")
    assert folders(box) == {"use-sync-external-store"}
    box.ask_for(f"[{WITH_PEER}]")
    box.scene.apply()
    assert "react" in folders(box)


def test_a_lock_comes_in_place_with_other_options(box: Box, node_image: str, tmp_path: Path) -> None:
    box.ask_for("[ms@2.1.2]")
    box.scene.apply()
    for name in ("package.json", "package-lock.json"):
        text = box.scene.inside("box", f"cat /app/{name}")
        if name == "package.json":
            text = text.replace('"dependencies"', '"devDependencies"')
        else:
            text = text.replace('"dependencies"', '"devDependencies"', 1).replace(
                '"resolved"', '"dev": true, "resolved"'
            )
        (tmp_path / name).write_text(text)
    box.scene.destroy()
    box.ask_for("{npm: {from: package-lock.json}}")
    box.scene.apply()
    assert folders(box) == {"ms"}
    box.change("{npm: {from: package-lock.json, omit: [dev]}}")
    assert folders(box) == set()
