"""uv: lists and locks of it in new images and in live sandboxes, out of the real index."""

from __future__ import annotations

import re
import shlex
import tarfile
from pathlib import Path

import pytest

from nexusctl.packages.base import ALTERED_HINT
from nexusctl.packages.uv import VERSION
from tests.attacks.test_install_scripts import SETUP, Lab
from tests.drift.scene import findings
from tests.packages.test_in_place import Box, box
from tests.packages.test_scripts import lab, only

__all__ = ["box", "lab"]

pytestmark = pytest.mark.engine

PROJECT = """
[project]
name = "shop"
version = "0.1"
requires-python = ">=3.9"
dependencies = ["six=={six}", "requests[socks]>=2.30", "colorama; sys_platform == 'win32'"]
[dependency-groups]
dev = ["iniconfig==2.0.0"]
"""
UV = f"python3 -m pip download -qd /tmp/own uv=={VERSION} && python3 -m zipfile -e /tmp/own/uv-*.whl /tmp/own"
FREEZE = "pip list --format=freeze 2>/dev/null | grep -vE '^(pip|setuptools|wheel)='"


def lock(box: Box, folder: Path, six: str) -> set[str]:
    """Make a lock by uv itself beside the stack file; returns what uv would install of it, as pip lists it."""
    (folder / "pyproject.toml").write_text(project := PROJECT.format(six=six))
    uv = f"/tmp/own/uv-{VERSION}.data/scripts/uv"
    box.do_by_hand(
        f"[ -x {uv} ] || {{ {UV}; chmod +x {uv}; }}; rm -rf /tmp/w; mkdir /tmp/w; cd /tmp/w; "
        f"printf %s {shlex.quote(project)} >pyproject.toml; {uv} lock -q"
    )
    (folder / "uv.lock").write_text(box.scene.inside("box", "cat /tmp/w/uv.lock"))
    sync = f"{uv} sync --frozen -q --no-install-project; VIRTUAL_ENV=/tmp/w/.venv {uv} pip freeze"
    return {line.strip().lower() for line in box.do_by_hand(f"cd /tmp/w; {sync}").splitlines() if "==" in line}


def installed(box: Box) -> set[str]:
    return set(box.scene.inside("box", FREEZE).lower().split())


def test_a_list_comes_with_the_image_and_changes_in_the_live_sandbox(box: Box, python_image: str) -> None:
    box.ask_for("{uv: [six==1.15.0]}", "python")
    box.scene.apply()
    assert findings(box.scene.plan()) == set()
    box.change("{uv: [six==1.16.0, iniconfig==2.0.0]}", "python")
    box.change("{uv: [six==1.16.0]}", "python")
    assert installed(box) == {"six==1.16.0"}
    where = "cat $(python3 -c 'import six, os; print(os.path.dirname(six.__file__))')/six-1.16.0.dist-info/INSTALLER"
    assert box.scene.inside("box", where).strip() == "uv"


def test_what_somebody_has_changed_is_seen_and_put_right(box: Box, python_image: str) -> None:
    box.ask_for("{uv: [six==1.16.0, iniconfig==2.0.0]}", "python")
    box.scene.apply()
    box.do_by_hand("pip install -q six==1.15.0 toml==0.10.2; pip uninstall -qy iniconfig")
    fields = {finding[2] for finding in findings(box.scene.drift())}
    assert fields == {"packages.uv.six", "packages.uv.toml", "packages.uv.iniconfig"}
    before = box.identity()
    box.scene.apply()
    assert box.identity() == before
    assert findings(box.scene.drift()) == set()
    assert installed(box) == {"six==1.16.0", "iniconfig==2.0.0"}


def test_a_lock_brings_what_uv_would_bring_of_it(box: Box, python_image: str, tmp_path: Path) -> None:
    box.ask_for("[]", "python")
    box.scene.apply()
    wanted = lock(box, tmp_path, "1.15.0")
    box.change("{uv: {from: uv.lock}}", "python")
    assert installed(box) == wanted
    box.scene.destroy()
    box.ask_for("{uv: {from: uv.lock}}", "python")
    box.scene.apply()
    assert findings(box.scene.plan()) == set()
    assert installed(box) == wanted
    later = lock(box, tmp_path, "1.16.0")
    assert later != wanted
    box.scene.apply()
    assert installed(box) == later
    assert findings(box.scene.drift()) == set()
    text = (tmp_path / "uv.lock").read_text()
    (tmp_path / "uv.lock").write_text(re.sub("sha256:[0-9a-f]{4}", "sha256:0000", text))
    (failed,) = box.fail()
    assert failed.problem.hint == ALTERED_HINT


def take(box: Box, name: str) -> bytes:
    """A file of the sandbox."""
    asked = "GET", f"/containers/{box.scene.id('box')}/archive", {"path": name}
    with box.scene.wire.open(*asked) as answer, tarfile.open(fileobj=answer, mode="r|") as archive:
        found = archive.next()
        assert found is not None
        content = archive.extractfile(found)
        assert content is not None
        return content.read()


def test_all_comes_out_of_the_users_own_index_and_nothing_of_it_sees_the_token(
    box: Box, lab: Lab, python_image: str
) -> None:
    lab.index.add_wheel("one", "")
    lab.index.add_source("two", SETUP.replace("NAME", "'two'"))
    done = lab.apply("b", "python", "{uv: [one]}")
    assert done.returncode == 1
    assert "the package index has no uv: take an image that has it" in done.stderr
    box.ask_for("[]", "python")
    box.scene.apply()
    names = box.do_by_hand(f"pip download -qd /tmp/own uv=={VERSION} setuptools; cd /tmp/own; ls *.whl").split()
    real = {name: take(box, f"/tmp/own/{name}") for name in names if name.endswith(".whl")}
    (uv,) = (name for name in real if name.startswith("uv-"))
    lab.index.pip[uv] = real[uv]
    done = lab.apply("a", "python", "{uv: [one]}")
    assert done.returncode == 0, done.stderr
    before = only(lab)
    done = lab.apply("a", "python", "{uv: [one, two]}")
    assert done.returncode == 1, "two is built by what the index does not have, and no other index is asked"
    assert "setuptools" in done.stderr
    lab.index.pip |= real
    done = lab.apply("a", "python", "{uv: [one, two]}")
    assert done.returncode == 0, done.stderr
    assert only(lab) == before
    assert {"one==1.0.0", "two==1.0.0"} <= set(lab.inside("a", "sh", "-c", FREEZE).split())
    done = lab.apply("c", "python", "{uv: [one, two]}")
    assert done.returncode == 0, done.stderr
    assert {"one==1.0.0", "two==1.0.0"} <= set(lab.inside("c", "sh", "-c", FREEZE).split())
