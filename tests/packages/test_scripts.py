"""Which scripts of packages run, and packages that only a token opens, in new images and in live sandboxes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from tests.attacks.test_binds import containers_of
from tests.attacks.test_install_scripts import LOOT, SETUP, STEAL, Lab, require_no_loot, script
from tests.packages.indexes import TOKEN, open_index

pytestmark = pytest.mark.engine


@pytest.fixture
def lab(wire: Wire, tmp_path: Path) -> Iterator[Lab]:
    """With an index that asks for a password, where a sandbox's own network reaches it."""
    gateway = wire.get("/networks/bridge")["IPAM"]["Config"][0]["Gateway"]
    with open_index(gateway, guarded=True) as index:
        made = Lab(wire, tmp_path, f"builders-{uuid.uuid4().hex[:8]}", index)
        yield made
        made.close()


def leave(name: str) -> dict[str, object]:
    """A package whose script leaves a file."""
    return {"scripts": {"postinstall": f"echo ran > /left-{name}"}}


def left(lab: Lab) -> list[str]:
    return lab.inside("a", "sh", "-c", "ls -d /left-* 2>/dev/null || true").split()


def only(lab: Lab) -> str:
    (container,) = containers_of(lab.wire, f"{lab.stack}a")
    return container


def test_scripts_run_but_for_those_of_the_named_packages_wherever_they_come_from(lab: Lab, node_image: str) -> None:
    for name in ("one", "two", "four"):
        lab.index.add_npm(name, {}, **leave(name))
    lab.index.add_npm("three", {}, dependencies={"two": "1.0.0"})
    done = lab.apply("a", "node", "{npm: {packages: [one, three], ignore_scripts: [two]}}")
    assert done.returncode == 0, done.stderr
    assert left(lab) == ["/left-one"]
    before = only(lab)
    lab.inside("a", "rm", "/left-one")
    done = lab.apply("a", "node", "{npm: {packages: [one, three, four], ignore_scripts: [two]}}")
    assert done.returncode == 0, done.stderr
    assert only(lab) == before
    assert left(lab) == ["/left-four"], "in the live sandbox too, and of what came only"


def test_what_fails_is_left_out_where_it_is_optional_and_fails_the_rest_otherwise(lab: Lab, node_image: str) -> None:
    lab.index.add_npm("broken", {}, scripts={"install": "exit 3"})
    lab.index.add_npm("one", {}, optionalDependencies={"broken": "1.0.0"}, **leave("one"))
    done = lab.apply("a", "node", "[one]")
    assert done.returncode == 0, done.stderr
    assert left(lab) == ["/left-one"]
    assert "broken" not in lab.inside("a", "ls", "node_modules")
    done = lab.apply("b", "node", "[one, broken]")
    assert done.returncode == 1
    assert "npm could not install broken" in done.stderr


def test_the_scripts_beside_a_lock_run_as_npm_runs_them(lab: Lab, node_image: str) -> None:
    lab.index.add_npm("one", {}, scripts={"postinstall": "echo one >> /left-all"})
    done = lab.apply("a", "node", "[one]")
    assert done.returncode == 0, done.stderr
    for name in ("package.json", "package-lock.json"):
        (lab.folder / name).write_text(lab.inside("a", "cat", name))
    asked = json.loads((lab.folder / "package.json").read_text())
    events = {event: f"echo {event} >> /left-all" for event in ("preinstall", "prepare", "postinstall")}
    (lab.folder / "package.json").write_text(json.dumps({**asked, "scripts": events}))
    done = lab.apply("b", "node", "{npm: {from: package-lock.json}}")
    assert done.returncode == 0, done.stderr
    assert lab.inside("b", "cat", "/left-all").split() == ["preinstall", "one", "postinstall", "prepare"]


def test_a_live_sandbox_gets_what_the_token_opens_and_not_the_token(lab: Lab, node_image: str) -> None:
    lab.index.add_npm("one", {})
    done = lab.apply("a", "node", "[one]")
    assert done.returncode == 0, done.stderr
    before = only(lab)
    lab.index.add_npm("below", {})
    lab.index.add_npm(
        "evil", script(lab.index, LOOT), scripts={"postinstall": "node evil.js"}, dependencies={"below": "1.0.0"}
    )
    done = lab.apply("a", "node", "[one, evil]")
    assert done.returncode == 0, done.stderr
    assert only(lab) == before
    assert lab.inside("a", "ls", "node_modules").split() == ["below", "evil", "one"]
    require_no_loot(lab)
    assert lab.inside("a", "sh", "-c", f"grep -rlsI {TOKEN} /tmp /dev /root /{lab.stack}a || true") == ""


def test_a_live_sandbox_gets_a_source_and_what_it_needs_without_the_password(lab: Lab, python_image: str) -> None:
    lab.index.add_wheel("one", "")
    done = lab.apply("a", "python", "[one]")
    assert done.returncode == 0, done.stderr
    before = only(lab)
    lab.index.add_wheel("below", "")
    setup = SETUP.replace("NAME", "'evil'").replace("py_modules", "install_requires=['below'], py_modules")
    lab.index.add_source("evil", STEAL.replace("PORT", str(lab.index.port)) + setup)
    done = lab.apply("a", "python", "[one, evil]")
    assert done.returncode == 0, done.stderr
    assert only(lab) == before
    assert lab.inside("a", "python3", "-c", "import below, evil, one; print('loaded')").strip() == "loaded"
    require_no_loot(lab)


def test_what_is_there_already_the_index_need_not_have(lab: Lab, python_image: str) -> None:
    lab.index.add_wheel("one", "", needs="setuptools")
    done = lab.apply("a", "python", "[one]")
    assert done.returncode == 0, done.stderr
    assert "/simple/setuptools/" in lab.index.asked
    lab.index.add_wheel("two", "", needs="no-such-thing")
    done = lab.apply("b", "python", "[two]")
    assert done.returncode == 1
    assert "pip could not install no-such-thing" in done.stderr


def test_what_comes_by_git_is_asked_for_without_the_token(lab: Lab, node_image: str) -> None:
    """To fetch it, programs have to run: without the token then, and an index that asks for one says no."""
    lab.index.add_npm("one", {}, dependencies={"two": "git+https://127.0.0.1:1/two.git"})
    done = lab.apply("a", "node", "[one]")
    assert done.returncode == 1
    assert "/one" in lab.index.refused


def test_nothing_of_a_build_is_left_on_the_engine(lab: Lab, node_image: str) -> None:
    lab.index.add_npm("one", {}, **leave("one"))
    done = lab.apply("a", "node", "[one]")
    assert done.returncode == 0, done.stderr
    container = lab.wire.get(f"/containers/{only(lab)}/json")
    parent = lab.wire.get(f"/images/{container['Image']}/json")["Parent"]
    assert parent, "the step that fetched is below the one that ran"
    lab.close()
    lab.made.clear()
    known = {image["Id"] for image in lab.wire.get("/images/json", {"all": True})}
    assert parent not in known
    mark = {"filters": {"label": [f"{labels.ROLE}=builder"]}}
    assert [i for i in lab.wire.get("/images/json", mark) if i["Id"] == parent] == []
