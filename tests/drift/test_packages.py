"""Packages that were changed by hand are named by manager and name, and put right."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.images.change_packages import change_packages
from nexusctl.model.plan.plan import PackageChange
from nexusctl.model.uploads_and_packages import Package, PackageSet
from tests.drift.scene import Finding, Scene, findings

pytestmark = pytest.mark.engine

STACK = """
name: NAME
sandboxes:
  npm:
    template: node
    packages: [is-odd@3.0.0, ms@2.1.3]
    uploads: [{source: ./src, target: /app}]
    command: [sleep, infinity]
  pip:
    template: python
    packages: [six==1.16.0]
    command: [sleep, infinity]
  apt:
    image: IMAGE
    packages: {apt: [tree]}
    command: [sleep, infinity]
"""

# Without an index: what a manager reads is what it finds in its own places.
_MODULES = "cd /app/node_modules"
_NPM_FILE = '{"name": "by-hand", "version": "1.0.0"}'
_SITE = "cd $(python3 -c 'import six, os; print(os.path.dirname(six.__file__))')"
_DEB = r"""
mkdir -p /tmp/deb/DEBIAN
cd /tmp/deb/DEBIAN
printf 'Package: %s\nVersion: 99\nArchitecture: all\nMaintainer: nobody\nDescription: x\n' NAME > control
dpkg-deb -b /tmp/deb /tmp/x.deb
dpkg -i /tmp/x.deb
"""

ROWS = {
    "npm package removed": ("npm", f"{_MODULES}; rm -r is-odd", "packages.npm.is-odd"),
    "npm package of another version": (
        "npm",
        f"{_MODULES}; sed -i 's/3[.]0[.]0/3.0.9/' is-odd/package.json",
        "packages.npm.is-odd",
    ),
    "npm package added": (
        "npm",
        f"{_MODULES}; mkdir by-hand; echo '{_NPM_FILE}' > by-hand/package.json",
        "packages.npm.by-hand",
    ),
    "npm package added below another one": (
        "npm",
        f"{_MODULES}/is-odd; mkdir -p node_modules/@by/hand; echo '{_NPM_FILE}' > node_modules/@by/hand/package.json",
        "packages.npm.is-odd > @by/hand",
    ),
    "npm package put before the one that another one finds": (
        "npm",
        f"{_MODULES}; mkdir -p is-odd/node_modules; cp -r is-number is-odd/node_modules",
        "packages.npm.is-odd > is-number",
    ),
    "npm itself removed": ("npm", 'rm "$(command -v npm)"', "packages.npm"),
    "pip package removed": ("pip", f"{_SITE}; rm -r six*", "packages.pip.six"),
    "pip package of another version": (
        "pip",
        f"{_SITE}; mv six-1.16.0.dist-info six-1.15.0.dist-info; sed -i 's/^Version: .*/Version: 1.15.0/' six-*/M*",
        "packages.pip.six",
    ),
    "pip package added": (
        "pip",
        f"{_SITE}; mkdir added-1.dist-info; printf 'Name: added\\nVersion: 1\\n' > added-1.dist-info/METADATA",
        "packages.pip.added",
    ),
    "apt package removed": ("apt", "dpkg --remove tree", "packages.apt.tree"),
    "apt package of another version": ("apt", _DEB.replace("NAME", "tree"), "packages.apt.tree"),
    "apt package added": ("apt", _DEB.replace("NAME", "by-hand"), "packages.apt.by-hand"),
}


@pytest.fixture(scope="module")
def scene(
    wire: Wire, base_image: str, template_images: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("packages")
    (folder / "src").mkdir()
    (folder / "src" / "main.js").write_text("main()\n")
    text = STACK.replace("NAME", f"drift-{uuid4().hex[:8]}").replace("IMAGE", base_image)
    (folder / "nexus.yaml").write_text(text)
    scene = Scene(wire, folder / "nexus.yaml")
    try:
        scene.apply()
        yield scene
    finally:
        scene.destroy()


@pytest.mark.parametrize(("sandbox", "script", "field"), ROWS.values(), ids=ROWS)
def test_a_package_changed_by_hand_is_named_and_put_right(sandbox: str, script: str, field: str, scene: Scene) -> None:
    scene.require_quiet()
    scene.inside(sandbox, script)
    action = "replace" if field == "packages.npm" else "update"
    expected: set[Finding] = {(f"sandbox {sandbox}", action, field, "drifted")}
    assert findings(scene.plan(deep=False)) == set(), "nobody looks inside unasked"
    scene.put_right(expected)


def test_what_npm_moves_below_a_package_because_another_version_came_is_not_called_added(scene: Scene) -> None:
    # Another is-number comes to the first level, so that the one which is-odd needs has to lie below it.
    other = (Package(name="is-number", version="7.0.0"),)
    by_hand = PackageChange(wanted=PackageSet(manager="npm", packages=other), changed=other)
    change_packages(scene.wire, scene.id("npm"), [by_hand], lambda _: None)
    assert "node_modules/is-odd/node_modules/is-number" in scene.inside("npm", "cd /app; find -name is-number")
    assert findings(scene.plan()) == set()
    made = f"mkdir node_modules/new; echo '{_NPM_FILE}' > node_modules/new/package.json"
    scene.inside("npm", f"{_MODULES}/is-odd; {made}")
    scene.put_right({("sandbox npm", "update", "packages.npm.is-odd > new", "drifted")})
    assert "is-odd/node_modules/is-number" in scene.inside("npm", "cd /app; find -name is-number"), "is-odd needs it"


def test_a_folder_of_packages_that_leads_to_itself_is_read_once(scene: Scene) -> None:
    # As tools make them that work on several packages at once.
    scene.inside("npm", f"{_MODULES}; for n in 1 2 3 4 5 6 7 8; do ln -s /app self-$n; done")
    assert findings(scene.plan()) == set()
    scene.inside("npm", f"{_MODULES}; rm self-*")


def test_what_the_packages_brought_into_an_uploads_folder_is_no_drift_and_a_file_by_hand_is(scene: Scene) -> None:
    assert scene.inside("npm", "ls /app").split() == ["main.js", "node_modules", "package-lock.json", "package.json"]
    scene.inside("npm", "touch /app/by-hand.js")
    scene.put_right({("sandbox npm", "update", "uploads./app/by-hand.js", "drifted")})
