"""`lock` finds out what there is, and `apply --locked` uses exactly that."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from nexusctl.engine.docker.exec import run as run_inside
from nexusctl.engine.docker.wire import Wire
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
    file, lock = tmp_path / "nexus.yaml", tmp_path / "nexus.lock"
    file.write_text(STACK.replace("STACK", stack_name).replace("IMAGE", base_image))
    case = Case(folder=tmp_path, stack=stack_name, wire=wire)
    try:
        done = case.nexusctl(["lock", "--json"])
        assert done.returncode == 0, done.stderr
        entry = json.loads(lock.read_text())["sandboxes"]["one"]
        version = entry["packages"]["apt"]["hello"]["version"]
        assert entry["digest"] == wire.get(f"/images/{base_image}/json")["Id"]
        assert not [t for image in wire.get("/images/json") for t in image["RepoTags"] or () if "nexusctl/lock" in t]
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
