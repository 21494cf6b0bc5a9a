"""pnpm: lists and locks of it in new images and in live sandboxes, out of the real index."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests import prestarted
from tests.attacks.test_install_scripts import Lab
from tests.drift.scene import findings
from tests.packages.test_in_place import Box, box
from tests.packages.test_scripts import lab, leave, left, only

__all__ = ["box", "lab"]

pytestmark = pytest.mark.engine

VERSION = "node -p \"require('/app/node_modules/ms/package.json').version\""


def test_a_list_comes_with_the_image_and_changes_in_the_live_sandbox(box: Box, node_image: str) -> None:
    box.ask_for("{pnpm: [is-odd@3.0.0]}")
    box.scene.apply()
    assert findings(box.scene.plan()) == set()
    box.change("{pnpm: [is-odd@3.0.0, ms@2.1.2]}")
    box.change("{pnpm: [ms@2.1.3]}")
    assert box.scene.inside("box", f"ls /app/node_modules; {VERSION}").split() == ["ms", "2.1.3"]
    box.do_by_hand("pnpm add left-pad@1.3.0 && pnpm remove left-pad")
    assert box.scene.inside("box", "cd /app && pnpm list --json --depth=0 | grep -c '\"from\"'").strip() == "1"


def test_what_somebody_has_changed_is_seen_and_put_right(box: Box, node_image: str) -> None:
    box.ask_for("{pnpm: [is-odd@3.0.0, ms@2.1.3]}")
    box.scene.apply()
    box.do_by_hand("pnpm add ms@2.1.2 left-pad@1.3.0 && rm -r node_modules/is-odd")
    fields = {finding[2] for finding in findings(box.scene.drift())}
    assert {"packages.pnpm.ms", "packages.pnpm.left-pad", "packages.pnpm.is-odd"} <= fields
    before = box.identity()
    box.scene.apply()
    assert box.identity() == before
    assert findings(box.scene.drift()) == set()
    assert box.scene.inside("box", f"ls /app/node_modules; {VERSION}").split() == ["is-number", "is-odd", "ms", "2.1.3"]


def test_a_lock_is_installed_as_it_says_and_an_unfit_one_leaves_the_old_packages(
    box: Box, node_image: str, tmp_path: Path
) -> None:
    box.ask_for("{pnpm: [ms@2.1.2]}")
    box.scene.apply()
    old = {name: box.scene.inside("box", f"cat /app/{name}") for name in ("package.json", "pnpm-lock.yaml")}
    box.change("{pnpm: [ms@2.1.3]}")
    new = {name: box.scene.inside("box", f"cat /app/{name}") for name in ("package.json", "pnpm-lock.yaml")}
    box.scene.destroy()
    for name, text in old.items():
        (tmp_path / name).write_text(text)
    box.ask_for("{pnpm: {from: pnpm-lock.yaml}}")
    box.scene.apply()
    assert box.scene.inside("box", VERSION) == "2.1.2\n"
    assert findings(box.scene.plan()) == set()
    (tmp_path / "package.json").write_text(new["package.json"])
    (failed,) = box.fail()
    assert failed.problem.hint == "run `pnpm install` beside the lock file, so that it agrees with package.json again"
    assert box.scene.inside("box", VERSION) == "2.1.2\n"
    assert box.leftovers() == ""
    (tmp_path / "pnpm-lock.yaml").write_text(new["pnpm-lock.yaml"])
    box.change("{pnpm: {from: pnpm-lock.yaml}}")
    assert box.scene.inside("box", VERSION) == "2.1.3\n"


@pytest.mark.parametrize("ignored", [False, True])
def test_its_own_scripts_run_with_a_lock_unless_none_may(
    box: Box, node_image: str, tmp_path: Path, ignored: bool
) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"scripts": {"postinstall": "touch /ran"}}))
    (tmp_path / "pnpm-lock.yaml").write_text(
        "lockfileVersion: '9.0'\nsettings: {autoInstallPeers: true, excludeLinksFromLockfile: false}\n"
        "importers: {.: {}}\n"
    )
    box.ask_for(f"{{pnpm: {{from: pnpm-lock.yaml, ignore_scripts: {str(ignored).lower()}}}}}")
    box.scene.apply()
    assert box.scene.inside("box", "ls /ran 2>/dev/null || true").strip() == ("" if ignored else "/ran")


def test_what_a_token_opens_comes_too_and_no_script_of_it_runs(box: Box, lab: Lab, node_image: str) -> None:
    lab.index.add_npm("one", {}, **leave("one"))
    lab.index.add_npm("two", {}, **leave("two"))
    done = lab.apply("b", "node", "{pnpm: [one]}")
    assert done.returncode == 1
    assert "the package index has no pnpm: take an image that has it" in done.stderr
    box.ask_for("{pnpm: [ms@2.1.3]}")
    box.scene.apply()
    image = box.scene.wire.get(f"/containers/{box.scene.id('box')}/json")["Config"]["Image"]
    (lab.folder / "templates").mkdir()
    (lab.folder / "templates" / "with-pnpm.yaml").write_text(
        f"name: with-pnpm\ndescription: pnpm is there\nimage: {image}\n"
    )
    done = lab.apply("a", "with-pnpm", "{pnpm: [one]}")
    assert done.returncode == 0, done.stderr
    assert left(lab) == []
    before = only(lab)
    done = lab.apply("a", "with-pnpm", "{pnpm: [one, two]}")
    assert done.returncode == 0, done.stderr
    assert only(lab) == before
    assert lab.inside("a", "ls", "node_modules").split() == ["one", "two"]
    assert left(lab) == []


def test_an_image_with_neither_pnpm_nor_npm_is_refused_with_words(box: Box, wire: Wire, python_image: str) -> None:
    box.ask_for("{pnpm: [ms]}", "python")
    with pytest.raises(AssertionError, match="pnpm is not there"):
        box.scene.apply()


def test_nexus_lock_holds_a_list_and_what_came_with_it(box: Box, node_image: str) -> None:
    box.ask_for("{pnpm: [is-odd@^3.0.0]}")
    command = [sys.executable, "-m", "nexusctl", "lock"]
    done = prestarted.run(command, cwd=box.scene.file.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (locked,) = json.loads((box.scene.file.parent / "nexus.lock").read_text())["sandboxes"].values()
    assert locked["packages"] == {"pnpm": {"is-odd": {"asked": "^3.0.0", "version": "3.0.1"}}}
    assert locked["needs"] == {"pnpm": {"is-number": "6.0.0"}}
