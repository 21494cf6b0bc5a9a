"""Packages that come into a sandbox while its programs go on, by the real managers out of the real indexes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from nexusctl.api import execution
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.engine import DockerEngine
from nexusctl.engine.docker.images.builder import Builder, write_file
from nexusctl.engine.docker.images.change_packages import WORKROOM, stage_of
from nexusctl.engine.docker.images.host_trust import FOLDER, host_trust
from nexusctl.engine.docker.images.package_inventory import read_names
from nexusctl.model.lockfile import BELOW
from nexusctl.model.plan.event import Failed
from nexusctl.model.uploads_and_packages import Package, PackageSet
from nexusctl.packages import MANAGERS
from nexusctl.run.interrupt import Interrupt
from tests.drift.scene import Scene, findings

pytestmark = pytest.mark.engine


STAGE = stage_of(MANAGERS["npm"], "/app")
STACK = """
name: NAME
sandboxes:
  box: {{template: {template}, packages: {packages}, command: [sleep, infinity]}}
"""


class Box:
    """A sandbox whose packages change."""

    def __init__(self, wire: Wire, folder: Path) -> None:
        self.name = f"test-{uuid4().hex[:8]}"
        self.scene = Scene(wire, folder / "nexus.yaml")

    def ask_for(self, packages: str, template: str = "node") -> None:
        text = STACK.format(template=template, packages=packages).replace("NAME", self.name)
        self.scene.file.write_text(text)

    def identity(self) -> tuple[str, int, str]:
        """The container, its main process, and when that was started."""
        found = self.scene.wire.get(f"/containers/{self.scene.id('box')}/json")
        return found["Id"], found["State"]["Pid"], found["State"]["StartedAt"]

    def change(self, packages: str, template: str = "node") -> None:
        """Apply other packages, and see that nothing else has changed and nothing is left to do."""
        before = self.identity()
        self.ask_for(packages, template)
        self.scene.apply(deep=False)
        assert self.identity() == before
        assert findings(self.scene.plan(deep=False)) == set()
        assert findings(self.scene.plan()) == set()
        assert findings(self.scene.drift()) == set()
        assert self.leftovers() == ""

    def leftovers(self) -> str:
        return self.scene.inside("box", f"ls -Ad {WORKROOM} {FOLDER} {STAGE} 2>/dev/null || true")

    def do_by_hand(self, script: str) -> str:
        """What a user would type in the sandbox, whose network is that of this machine; returns what that writes."""
        trust, found = host_trust(), self.scene.id("box")
        base = self.scene.wire.get(f"/containers/{found}/json")
        sandbox = Builder(wire=self.scene.wire, id=found, base=base, trust=trust)
        for path, content in trust.files.items():
            write_file(sandbox, path, content)
        outcome = sandbox.run(("/bin/sh", "-ec", script), working_dir="/app")
        self.scene.inside("box", f"rm -rf {FOLDER}")
        assert outcome.exit_code == 0, outcome.output
        return outcome.output

    def fail(self) -> list[Failed]:
        events = execution.apply(self.scene.engine, self.scene.plan(deep=False), Interrupt())
        return [event for event in events if isinstance(event, Failed)]


@pytest.fixture
def box(wire: Wire, tmp_path: Path) -> Iterator[Box]:
    box = Box(wire, tmp_path)
    box.ask_for("[]")
    yield box
    box.scene.destroy()


def test_npm_installs_upgrades_and_removes_in_the_live_sandbox(box: Box, node_image: str) -> None:
    box.ask_for("[is-odd@3.0.0]")
    box.scene.apply()
    box.change("[is-odd@3.0.0, ms@2.1.2]")
    box.change("[ms@2.1.3]")
    listed = box.scene.inside("box", "cd /app; ls node_modules; node -p \"require('ms/package.json').version\"")
    assert listed.split() == ["ms", "2.1.3"]


def test_what_lies_there_is_what_npm_itself_would_list(box: Box, node_image: str) -> None:
    # Packages with a scope, and one that is there in two versions, of which one lies deeper.
    box.ask_for("[is-odd@3.0.0, is-number@7.0.0, '@types/node@22.0.0']")
    box.scene.apply()
    wanted = "npm ls --all --parseable --silent | sed -n 's#.*/node_modules/##p' | sort -u"
    npm = MANAGERS["npm"]
    answer = box.scene.inside("box", shlex.join(npm.inventory()))
    assert (
        sorted({place.rpartition(BELOW)[2] for place in read_names(answer)}) == box.scene.inside("box", wanted).split()
    )
    packages = PackageSet(manager="npm", packages=tuple(Package(name=name) for name in ("is-number", "@types/node")))
    asked = npm.read(box.scene.inside("box", shlex.join(npm.query(packages))), packages)
    assert npm.find(answer, packages) == asked
    assert [package.version for package in asked] == ["22.0.0", "7.0.0"]


def test_pip_installs_upgrades_and_removes_in_the_live_sandbox(box: Box, python_image: str) -> None:
    box.ask_for("[]", "python")
    box.scene.apply()
    box.change("[six==1.15.0]", "python")
    box.change("[six==1.16.0, 'Flask_Cors==5.0.0']", "python")
    box.change("[six==1.16.0]", "python")
    assert "six" in (names := box.scene.inside("box", "pip list 2>/dev/null").lower())
    assert "flask-cors" not in names
    assert "flask_cors" not in names


def test_apt_removes_what_came_with_a_package_and_leaves_what_is_needed(box: Box, base_image: str) -> None:
    text = "name: NAME\nsandboxes: {box: {image: IMAGE, packages: {apt: LIST}, command: [sleep, infinity]}}\n"

    def ask_for(packages: str, template: str = "") -> None:
        filled = text.replace("NAME", box.name).replace("IMAGE", base_image).replace("LIST", packages)
        box.scene.file.write_text(filled)

    def installed(package: str) -> bool:
        query = f"dpkg-query -W -f '${{db:Status-Status}}' {package} 2>/dev/null || true"
        return box.scene.inside("box", query) == "installed"

    box.ask_for = ask_for  # type: ignore[method-assign]
    ask_for("[less]")
    box.scene.apply()
    box.change("[less, jq]")
    assert installed("libjq1")
    box.scene.inside("box", "mkdir -p /var/lib/apt/lists && touch /var/lib/apt/lists/own")
    box.change("[less]")
    assert not installed("libjq1")
    assert installed("less")
    assert box.scene.inside("box", "ls /var/lib/apt/lists/own").strip(), "lists of its own are left alone"


def test_a_lock_of_npm_comes_in_place_and_an_unfit_one_leaves_the_old_packages(
    box: Box, node_image: str, tmp_path: Path
) -> None:
    box.ask_for("[ms@2.1.2]")
    box.scene.apply()
    for name in ("package.json", "package-lock.json"):
        (tmp_path / name).write_text(box.scene.inside("box", f"cat /app/{name}"))
    box.scene.destroy()
    box.ask_for("{npm: {from: package-lock.json}}")
    box.scene.apply()
    (tmp_path / "package.json").write_text('{"dependencies": {"ms": "2.1.3"}}')
    (failed,) = box.fail()
    assert failed.problem.hint == (
        "run `npm install` beside the lock file, so that it agrees with package.json again; "
        "`nexusctl lock --update` makes nexus.lock anew"
    )
    assert box.scene.inside("box", "node -p \"require('/app/node_modules/ms/package.json').version\"") == "2.1.2\n"
    assert box.leftovers() == ""
    (tmp_path / "package.json").write_text('{"dependencies": {}}')
    (tmp_path / "package-lock.json").write_text('{"lockfileVersion": 3, "packages": {"": {}}}')
    box.change("{npm: {from: package-lock.json}}")
    assert box.scene.inside("box", "ls /app/node_modules") == ""


def test_a_failure_names_the_sandbox_and_shows_the_managers_last_lines(box: Box, node_image: str) -> None:
    box.ask_for("[ms@2.1.2]")
    box.scene.apply()
    before = box.identity()
    box.ask_for("[ms@2.1.2, nexusctl-no-such-package]")
    (failed,) = box.fail()
    assert failed.problem.summary == "box: npm could not install nexusctl-no-such-package"
    assert any("E404" in line for line in failed.problem.output)
    assert box.leftovers() == ""
    assert findings(box.scene.plan()) == {("sandbox box", "update", "packages.npm.nexusctl-no-such-package", "changed")}
    assert box.identity() == before
    box.change("[ms@2.1.3]")


def test_what_a_killed_nexusctl_has_left_is_cleared_away_first(box: Box, node_image: str) -> None:
    box.ask_for("[]")
    box.scene.apply()
    box.scene.inside(
        "box",
        f"mkdir -p {WORKROOM} {FOLDER} {STAGE}; echo token > {FOLDER}/npmrc; echo old > {WORKROOM}/mark;"
        "NEXUSCTL_INSTALL=old sleep 1000 >/dev/null 2>&1 &",
    )
    box.scene.inside("box", "sleep 999 >/dev/null 2>&1 &")
    box.change("[ms@2.1.3]")
    running = box.scene.inside("box", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    assert "sleep 1000" not in running
    assert "sleep 999" in running, "only what it has started itself"


def test_nothing_of_the_hosts_settings_stays_in_the_sandbox(
    box: Box, node_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.ask_for("[]")
    box.scene.apply()
    bundle = host_trust().files.get(f"{FOLDER}/ca.pem", b"")
    (tmp_path / "ca.pem").write_bytes(b"# marker-of-the-bundle\n" + bundle)
    (tmp_path / ".npmrc").write_text("//own.example/:_authToken=marker-of-a-token\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("HOME", str(tmp_path))
    box.change("[ms@2.1.3]")
    found = box.scene.inside("box", "grep -rlsI marker-of-a / --exclude-dir=proc --exclude-dir=sys || true")
    assert found == ""


def test_a_sandbox_that_never_had_packages_keeps_its_container_too(box: Box, node_image: str) -> None:
    box.ask_for("[]")
    box.scene.apply()
    box.change("[ms@2.1.3]")
    box.scene.inside("box", "cd /app && mkdir node_modules/by-hand && echo '{}' > node_modules/by-hand/package.json")
    box.scene.inside(
        "box", 'cd /app && echo \'{"name": "by-hand", "version": "1.0.0"}\' > node_modules/by-hand/package.json'
    )
    assert findings(box.scene.plan()) == {("sandbox box", "update", "packages.npm.by-hand", "drifted")}


def test_where_the_index_is_on_this_machine_itself_packages_come_with_a_new_container(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "packages" in DockerEngine(wire).in_place
    (tmp_path / ".npmrc").write_text("registry=http://localhost:4873/\n")
    assert "packages" not in DockerEngine(wire).in_place
    (tmp_path / ".npmrc").write_text("registry=https://index.example/\n")
    assert "packages" in DockerEngine(wire).in_place
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    assert "packages" not in DockerEngine(wire).in_place
