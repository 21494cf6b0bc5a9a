"""`lock` finds out what there is, and `apply --locked` uses exactly that."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from nexusctl.errors import NotFound
from tests.e2e.case import Case

STACK = """\
name: STACK
sandboxes:
  one:
    image: IMAGE
    packages: {apt: [hello]}
    command: [sleep, infinity]
"""


@pytest.mark.engine
def test_a_locked_apply_installs_what_the_lock_says_and_refuses_what_it_does_not_know(
    tmp_path: Path, wire: Wire, base_image: str, stack_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    runs = Runs(tmp_path, wire, base_image, stack_name)
    file, lock = runs.folder / "nexus.yaml", runs.folder / "nexus.lock"
    runs.write(STACK.replace("STACK", stack_name).replace("IMAGE", runs.base))
    case = Case(folder=runs.folder, stack=stack_name, wire=wire)
    try:
        done = case.nexusctl(["lock", "--json"])
        assert done.returncode == 0, done.stderr
        entry = json.loads(lock.read_text())["sandboxes"]["one"]
        version = entry["packages"]["apt"]["hello"]["version"]
        assert entry["digest"] == runs.base_id
        assert runs.images() == []
        assert case.nexusctl(["lock"]).stdout == "nexus.lock is up to date.\n"

        done = case.nexusctl(["apply", "--locked", "--yes"])
        assert done.returncode == 0, done.stderr
        (container,) = wire.get("/containers/json", {"filters": {"label": [f"dev.nexusctl.stack={stack_name}"]}})
        asked = ["dpkg-query", "-W", "-f", "${Version}", "hello"]
        assert run_inside(wire, container["Id"], asked).output == version
        assert case.nexusctl(["plan", "--locked", "--detailed-exitcode"]).returncode == 0

        file.write_text(file.read_text().replace("[hello]", "[hello, tree]"))
        monkeypatch.setitem(os.environ, "CI", "true")
        done = case.nexusctl(["plan"])
        assert done.returncode == 1
        assert "nexus.lock does not have the apt package tree of sandbox one" in done.stderr
        assert case.nexusctl(["plan", "--no-locked"]).returncode == 0
    finally:
        case.close()
        runs.close()


MOVED = """\
name: STACK
sandboxes:
  plain: {image: IMAGE, command: [sleep, infinity]}
  equipped: {image: IMAGE, packages: {apt: [hello]}, command: [sleep, infinity]}
"""


@pytest.mark.engine
def test_another_image_that_was_locked_comes_with_the_next_apply(
    tmp_path: Path, wire: Wire, base_image: str, stack_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    runs = Runs(tmp_path, wire, base_image, stack_name)
    runs.write(MOVED.replace("STACK", stack_name).replace("IMAGE", runs.base))
    case = Case(folder=runs.folder, stack=stack_name, wire=wire)

    def run(command: str, exits: int = 0) -> str:
        done = case.nexusctl(command.split())
        assert done.returncode == exits, done.stdout + done.stderr
        return done.stdout + done.stderr

    before = runs.base_id
    try:
        run("lock")
        run("apply --locked --yes")
        assert "No changes" in run("plan --locked --detailed-exitcode")
        runs.make_base(base_image, "another")
        assert f"the lock file says {before}" in run("plan --locked", exits=1)
        run("lock --update --yes")
        planned = run("plan --locked --detailed-exitcode", exits=2)
        assert planned.count("~ image: ") == 2
        run("apply --locked --yes")
        run("plan --locked --detailed-exitcode")
        run("plan --locked --deep --detailed-exitcode")
        found = wire.get("/containers/json", {"filters": {"label": [f"dev.nexusctl.stack={stack_name}"]}})
        born = {entry["Labels"]["dev.nexusctl.sandbox"]: entry["ImageID"] for entry in found}
        assert born["plain"] == runs.base_id
        assert wire.get(f"/images/{born['equipped']}/json")["Config"]["Labels"][labels.IMAGE_BASE] == runs.base_id
    finally:
        case.close()
        # What was made from it has lost its name while a container still needed it.
        made = wire.get("/images/json", {"filters": {"label": [f"{labels.IMAGE_BASE}={before}"]}})
        for image in (*(entry["Id"] for entry in made), before):
            with contextlib.suppress(NotFound):
                wire.delete(f"/images/{image}", {"force": True})
        runs.close()


NEEDY = """\
name: STACK
sandboxes:
  one:
    template: python
    command: [sleep, infinity]
    packages: {pip: [requests], apt: [jq]}
"""


@pytest.mark.engine
def test_what_the_packages_need_is_locked_too_and_installed_and_looked_after(
    tmp_path: Path, wire: Wire, stack_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    file, lock = tmp_path / "nexus.yaml", tmp_path / "nexus.lock"
    file.write_text(NEEDY.replace("STACK", stack_name))
    case = Case(folder=tmp_path, stack=stack_name, wire=wire)
    try:
        done = case.nexusctl(["lock"])
        assert done.returncode == 0, done.stderr
        entry = json.loads(lock.read_text())["sandboxes"]["one"]
        assert {"urllib3", "idna", "certifi"} <= entry["needs"]["pip"].keys()
        assert any(name.startswith("libonig") for name in entry["needs"]["apt"])

        # An older one of them fits as well, and is not what a manager would choose.
        entry["needs"]["pip"]["idna"] = "3.4"
        lock.write_text(json.dumps({**json.loads(lock.read_text()), "sandboxes": {"one": entry}}))
        done = case.nexusctl(["apply", "--locked", "--yes"])
        assert done.returncode == 0, done.stdout + done.stderr
        (container,) = wire.get("/containers/json", {"filters": {"label": [f"dev.nexusctl.stack={stack_name}"]}})
        asked = ["python3", "-c", "import idna; print(idna.__version__)"]
        assert run_inside(wire, container["Id"], asked).output.strip() == "3.4"
        again = case.nexusctl(["plan", "--locked", "--deep", "--detailed-exitcode"])
        assert again.returncode == 0, again.stdout + again.stderr
        assert case.nexusctl(["import", "stack", stack_name, "-f", "again.yaml"]).returncode == 0
        for depth in ([], ["--deep"]):
            anew = case.nexusctl(["plan", "-f", "again.yaml", "--detailed-exitcode", *depth])
            assert anew.returncode == 0, anew.stdout + anew.stderr

        pip = ["python3", "-m", "pip", "uninstall", "--break-system-packages", "--yes", "idna"]
        assert run_inside(wire, container["Id"], pip).exit_code == 0
        drifted = case.nexusctl(["plan", "--locked", "--deep", "--detailed-exitcode"])
        assert drifted.returncode == 2
        assert "packages.pip.idna" in drifted.stdout

        lock_text = lock.read_text()
        piped = case.nexusctl(["lock", "--update"])
        assert piped.returncode == 1
        assert "pass --yes" in piped.stderr
        assert lock.read_text() == lock_text
        updated = case.nexusctl(["lock", "--update", "--yes"])
        assert updated.returncode == 0, updated.stderr
        assert 'packages.pip.idna: "3.4" -> ' in updated.stdout
        unknown = {**entry, "needs": {"apt": {**entry["needs"]["apt"], "libjq1": "0.0.1"}}}
        lock.write_text(json.dumps({**json.loads(lock.read_text()), "sandboxes": {"one": unknown}}))
        refused = case.nexusctl(["apply", "--locked", "--yes"])
        assert refused.returncode == 1
        assert "apt could not install libjq1" in refused.stderr
    finally:
        case.close()


TREE = """\
name: STACK
sandboxes:
  one:
    template: node
    command: [sleep, infinity]
    packages: [express@4.18.2]
"""

_FIND = "find node_modules -name package.json"


class Locked:
    """A stack with one sandbox of npm packages, and its lock."""

    def __init__(self, folder: Path, wire: Wire, stack: str) -> None:
        self.case = Case(folder=folder, stack=stack, wire=wire)
        self.wire, self.stack = wire, stack
        self.file, self.lock = folder / "nexus.yaml", folder / "nexus.lock"
        self.file.write_text(TREE.replace("STACK", stack))

    def run(self, command: str, exits: int = 0) -> CompletedProcess[str]:
        done = self.case.nexusctl(command.split())
        assert done.returncode == exits, done.stdout + done.stderr
        return done

    def ask_for(self, packages: str) -> None:
        self.file.write_text(re.sub("packages: .*", f"packages: {packages}", self.file.read_text()))

    @property
    def container(self) -> str:
        (found,) = self.wire.get("/containers/json", {"filters": {"label": [f"dev.nexusctl.stack={self.stack}"]}})
        return str(found["Id"])

    def inside(self, script: str) -> str:
        return run_inside(self.wire, self.container, ["/bin/sh", "-c", f"cd /app && {script}"]).output

    def installed(self) -> dict[str, str]:
        """What lies in the sandbox, by its place, with its version."""
        places = [line.removesuffix("/package.json") for line in self.inside(_FIND).splitlines()]
        # Packages bring test data of their own along.
        places = [place for place in places if re.fullmatch(r"(?:(?:^|/)node_modules/(?:@[^/]+/)?[^/]+)+", place)]
        pairs = f"{json.dumps(places)}.map(place => [place, require(`/app/${{place}}/package.json`).version])"
        script = f"console.log(JSON.stringify({pairs}))"
        return dict(json.loads(run_inside(self.wire, self.container, ["node", "-e", script]).output))

    def locked(self) -> dict[str, str]:
        return {place: entry["version"] for place, entry in self.entries().items() if place}

    def entries(self) -> dict[str, Any]:
        (tree,) = self.document()["trees"].values()
        entries: dict[str, Any] = tree["package-lock.json"]["packages"]
        return entries

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.lock.read_text())
        return document

    def edit(self, place: str, **entry: str) -> None:
        document = self.document()
        (tree,) = document["trees"].values()
        tree["package-lock.json"]["packages"][place] |= entry
        self.lock.write_text(json.dumps(document))


@pytest.fixture(scope="module")
def npm_lock(tmp_path_factory: pytest.TempPathFactory, wire: Wire) -> str:
    """What `lock` finds out for `TREE`, which has nothing of the stack's own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("CI", raising=False)
        stack = Locked(tmp_path_factory.mktemp("npm"), wire, f"test-{uuid.uuid4().hex[:10]}")
        stack.run("lock")
    text = stack.lock.read_text()
    assert stack.stack not in text
    return text


@pytest.fixture
def npm_stack(
    tmp_path: Path, wire: Wire, stack_name: str, npm_lock: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Locked]:
    monkeypatch.delenv("CI", raising=False)
    stack = Locked(tmp_path, wire, stack_name)
    stack.lock.write_text(npm_lock)
    yield stack
    stack.case.close()


OLDER = {
    "version": "1.0.4",
    "integrity": "sha512-hIP3EEPs8tB9AT1L+NUqtwOAps4mk2Zob89MWXMHjHWg9milF/j4osnnQLXBCBFBk/tvIG/tUc9mOUJiPBhPXA==",
}
"""A content-type that express takes as well, and that npm would not choose."""


@pytest.mark.engine
def test_all_that_npm_packages_need_is_locked_at_its_place_whatever_the_index_is_called(npm_stack: Locked) -> None:
    assert npm_stack.run("lock").stdout == "nexus.lock is up to date.\n"
    assert "://" not in "".join(str(entry.get("resolved")) for entry in npm_stack.entries().values())
    assert all(entry["integrity"] for place, entry in npm_stack.entries().items() if place)
    npm_stack.edit("node_modules/content-type", **OLDER)
    npm_stack.run("apply --locked --yes")
    assert npm_stack.installed() == npm_stack.locked()
    assert npm_stack.installed()["node_modules/send/node_modules/ms"] != npm_stack.installed()["node_modules/ms"]
    npm_stack.run("plan --locked --deep --detailed-exitcode")

    done = npm_stack.run(f"import stack {npm_stack.stack} -f again.yaml")
    assert "one.packages.npm: a list that nexus.lock fixed" in done.stderr
    kept = npm_stack.lock.with_name(f"{npm_stack.stack}.files") / "one.packages" / "package-lock.json"
    assert json.loads(kept.read_text())["packages"] == npm_stack.entries()
    npm_stack.run("plan -f again.yaml --detailed-exitcode")
    npm_stack.run("plan -f again.yaml --deep --detailed-exitcode")

    updated = npm_stack.run("lock --update --yes").stdout
    assert 'packages.npm.content-type: "1.0.4" -> ' in updated
    assert npm_stack.locked()["node_modules/content-type"] != "1.0.4"


@pytest.mark.engine
def test_a_live_sandbox_follows_its_lock_of_npm_packages_and_is_put_right_by_it(npm_stack: Locked) -> None:
    npm_stack.run("apply --yes")
    container = npm_stack.container
    npm_stack.edit("node_modules/content-type", **OLDER)
    assert 'packages.npm.content-type: "1.0.4"' in npm_stack.run("plan --locked").stdout
    npm_stack.run("apply --locked --yes")
    assert npm_stack.installed() == npm_stack.locked()
    npm_stack.run("plan --locked --deep --detailed-exitcode")

    npm_stack.inside("rm -r node_modules/content-type && sed -i 's/2.0.0/2.1.2/' node_modules/ms/package.json")
    npm_stack.inside("sed -i 's/2.1.3/2.1.4/' node_modules/send/node_modules/ms/package.json")
    drifted = npm_stack.run("plan --locked --deep --detailed-exitcode", exits=2).stdout
    assert "packages.npm.content-type" in drifted
    assert "packages.npm.ms" in drifted
    assert 'packages.npm.send > ms: "2.1.4" -> "2.1.3"' in drifted
    npm_stack.run("apply --locked --deep --yes")
    assert npm_stack.installed() == npm_stack.locked()
    npm_stack.run("plan --locked --deep --detailed-exitcode")

    npm_stack.inside("rm -r node_modules/send/node_modules/ms")
    assert "packages.npm.send > ms: " in npm_stack.run("drift", exits=2).stdout
    npm_stack.run("apply --locked --deep --yes")
    assert npm_stack.installed() == npm_stack.locked()
    npm_stack.inside("sed -i 's/2.1.3/2.1.4/' node_modules/send/node_modules/ms/package.json")

    npm_stack.run("apply --yes --deep")
    npm_stack.run("plan --deep --detailed-exitcode")
    assert npm_stack.container == container


@pytest.mark.engine
def test_what_the_index_has_and_the_lock_has_not_is_never_installed(npm_stack: Locked) -> None:
    npm_stack.run("apply --locked --yes")
    before = npm_stack.installed()
    npm_stack.edit("node_modules/content-type", integrity=OLDER["integrity"])
    refused = npm_stack.run("apply --locked --yes", exits=1)
    assert "what the index has is not what was locked" in refused.stderr
    assert npm_stack.installed() == before
    npm_stack.edit("node_modules/content-type", **(OLDER | {"version": "1.0.3"}))
    refused = npm_stack.run("apply --locked --yes", exits=1)
    assert "`nexusctl lock --update` makes nexus.lock anew" in refused.stderr
    assert npm_stack.installed() == before


@pytest.mark.engine
def test_a_lock_of_npm_packages_keeps_what_it_has_where_one_is_added_or_goes(npm_stack: Locked) -> None:
    npm_stack.edit("node_modules/content-type", **OLDER)
    npm_stack.ask_for("[express@4.18.2, is-odd]")
    assert "does not have the npm package is-odd of sandbox one" in npm_stack.run("plan --locked", exits=1).stderr
    npm_stack.run("lock")
    assert npm_stack.locked()["node_modules/content-type"] == "1.0.4"
    assert "node_modules/is-odd" in npm_stack.locked()
    npm_stack.ask_for("[express@4.18.2]")
    assert "the npm packages of sandbox one without is-odd" in npm_stack.run("plan --locked", exits=1).stderr
    npm_stack.run("lock")
    assert npm_stack.locked()["node_modules/content-type"] == "1.0.4"
    assert "node_modules/is-odd" not in npm_stack.locked()
    npm_stack.run("plan --locked")


TWO = """\
name: STACK
sandboxes:
  one: {image: IMAGE, packages: {apt: [hello]}, command: [sleep, infinity]}
  two: {image: IMAGE, packages: {apt: [hello, tree]}, command: [sleep, infinity]}
"""


class Runs:
    """Runs of `lock` for one stack whose base no other has, so that what they make is told from all else."""

    def __init__(self, folder: Path, wire: Wire, base_image: str, name: str) -> None:
        self.wire, self.folder, self.base = wire, folder / name, f"{name}:base"
        self.name = name
        self.folder.mkdir()
        self.make_base(base_image, name)
        self.write(TWO.replace("STACK", name).replace("IMAGE", self.base))

    def make_base(self, base_image: str, mark: str) -> None:
        """The image that its base is from now on; `mark` tells it from others."""
        created = self.wire.post("/containers/create", {"Image": base_image, "Cmd": ["true"]})
        query = {"container": created["Id"], "repo": self.name, "tag": "base"}
        self.base_id = self.wire.post("/commit", {"Labels": {"only-for": mark}}, query)["Id"]
        self.wire.delete(f"/containers/{created['Id']}")

    def write(self, text: str) -> None:
        (self.folder / "nexus.yaml").write_text(text)

    def start(self) -> subprocess.Popen[bytes]:
        """One that has made an image, and is at the next one."""
        words = [sys.executable, "-m", "nexusctl", "lock"]
        process = subprocess.Popen(words, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        while not self.images():
            assert process.poll() is None
            time.sleep(0.02)
        return process

    def images(self) -> list[str]:
        found = self.wire.get("/images/json", {"filters": {"label": [f"{labels.IMAGE_BASE}={self.base_id}"]}})
        return [tag for image in found for tag in image["RepoTags"] or ()]

    def close(self) -> None:
        for tag in (*self.images(), self.base):
            self.wire.delete(f"/images/{tag}", {"force": True})


@pytest.mark.engine
def test_what_a_killed_lock_left_goes_with_the_next_one_and_what_another_uses_stays(
    tmp_path: Path, wire: Wire, base_image: str, stack_name: str
) -> None:
    killed, halted, next_one = (Runs(tmp_path, wire, base_image, f"{stack_name}-{name}") for name in "abc")
    try:
        dying = killed.start()
        dying.kill()
        assert dying.wait() == -signal.SIGKILL
        assert killed.images()

        running = halted.start()
        running.send_signal(signal.SIGSTOP)
        kept = {*halted.images()}
        try:
            done = Case(folder=next_one.folder, stack=stack_name, wire=wire).nexusctl(["lock"])
            assert done.returncode == 0, done.stderr
            assert killed.images() == next_one.images() == []
            assert kept <= {*halted.images()}
        finally:
            running.send_signal(signal.SIGCONT)
        output, _ = running.communicate()
        assert running.returncode == 0, output
        assert halted.images() == []
    finally:
        for runs in (killed, halted, next_one):
            runs.close()
