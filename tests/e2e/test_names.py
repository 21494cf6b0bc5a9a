"""Who answers to a name: one's own stack before a neighbour in a network that both are in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from tests import prestarted
from tests.ranges import make_network

pytestmark = pytest.mark.engine


@pytest.fixture
def outer(wire: Wire, stack_name: str) -> Iterator[str]:
    """A network of nobody's whose name sorts before any of the stacks', so that the engine asks there first."""
    name = f"a-{stack_name}"
    make_network(wire, name)
    yield name
    for one in (stack_name, f"{stack_name}-too"):
        subprocess.run([sys.executable, "-m", "nexusctl", "destroy", "--yes", "--stack", one], check=False)
    wire.delete(f"/networks/{name}")


@pytest.fixture
def neighbour(wire: Wire, outer: str, base_image: str) -> Iterator[str]:
    """A container that claims to be `db` and `cache` in the network that all share, as Compose's services do."""
    body = {
        "Image": base_image,
        "Cmd": ["sleep", "infinity"],
        "HostConfig": {"NetworkMode": outer, "Init": True},
        "NetworkingConfig": {"EndpointsConfig": {outer: {"Aliases": ["db", "cache"]}}},
        "Labels": {"com.docker.compose.project": "theirs", "com.docker.compose.service": "db"},
    }
    name = f"{outer}-neighbour"
    made = wire.post("/containers/create", body, {"name": name})["Id"]
    wire.post(f"/containers/{made}/start")
    yield made
    wire.delete(f"/containers/{made}", {"force": True})


def apply(folder: Path, stack: dict[str, Any], *words: str) -> str:
    file = folder / f"{stack['name']}.yaml"
    file.write_text(json.dumps(stack))
    argv = [sys.executable, "-m", "nexusctl", *(words or ("apply", "--yes")), "-f", str(file)]
    done = prestarted.run(argv, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def addresses(wire: Wire, container: str) -> set[str]:
    networks = wire.get(f"/containers/{container}/json")["NetworkSettings"]["Networks"]
    return {place["IPAddress"] for place in networks.values()}


def ask(wire: Wire, container: str, name: str) -> set[str]:
    """The addresses that `name` has inside of a container."""
    return {line.split()[0] for line in run_inside(wire, container, ["getent", "ahosts", name]).output.splitlines()}


def sandbox(image: str, *networks: str, **more: Any) -> dict[str, Any]:
    return {"image": image, "command": ["sleep", "infinity"], "networks": list(networks), **more}


def test_ones_own_answer_before_a_neighbour_in_every_combination_of_networks(
    tmp_path: Path, stack_name: str, base_image: str, outer: str, neighbour: str, wire: Wire
) -> None:
    stack = {
        "name": stack_name,
        "networks": {"shared": {"external": outer}},
        "sandboxes": {
            "web": sandbox(base_image, "default", "shared", env={"DB": "${sandbox.db.host}"}),
            "far": sandbox(base_image, "shared", env={"CACHE": "${sandbox.cache.host}"}),
            "db": sandbox(base_image, "default"),
            "cache": sandbox(base_image, "shared", replicas=2),
        },
    }
    apply(tmp_path, stack)
    theirs = addresses(wire, neighbour)
    db = f"{stack_name}_db"
    caches = addresses(wire, f"{stack_name}_cache-1") | addresses(wire, f"{stack_name}_cache-2")
    assert ask(wire, f"{stack_name}_web", "db") == addresses(wire, db)
    assert ask(wire, f"{stack_name}_far", "cache") == ask(wire, f"{stack_name}_web", "cache") == caches
    # Who is not there is nobody, and not a neighbour.
    wire.post(f"/containers/{db}/stop", query={"t": 0})
    assert ask(wire, f"{stack_name}_web", "db") == set()
    # Neighbours go on with what they had, and reach what they name in full.
    assert ask(wire, neighbour, "db") == theirs
    assert ask(wire, neighbour, f"{stack_name}_cache") == caches
    apply(tmp_path, stack)
    assert ask(wire, f"{stack_name}_web", "db") == addresses(wire, db)
    assert "No changes" in apply(tmp_path, stack, "plan")


def test_an_alias_is_answered_to_where_it_is_declared_and_changes_in_place(
    tmp_path: Path, stack_name: str, base_image: str, outer: str, neighbour: str, wire: Wire
) -> None:
    def stack(*aliases: str) -> dict[str, Any]:
        api = sandbox(base_image) | {"networks": {"default": None, "shared": {"aliases": list(aliases)}}}
        return {"name": stack_name, "networks": {"shared": {"external": outer}}, "sandboxes": {"api": api}}

    apply(tmp_path, stack("theirs-api"))
    api = f"{stack_name}_api"
    before = wire.get(f"/containers/{api}/json")["Id"]
    assert ask(wire, neighbour, "theirs-api") <= addresses(wire, api)
    assert ask(wire, neighbour, "theirs-api")
    assert ask(wire, neighbour, "api") == set()
    shown = apply(tmp_path, stack("theirs-api", "v2"))
    assert 'networks.shared.aliases: ["theirs-api"] -> ["theirs-api", "v2"]' in shown
    assert wire.get(f"/containers/{api}/json")["Id"] == before
    assert ask(wire, neighbour, "v2") == ask(wire, neighbour, "theirs-api") != set()
    apply(tmp_path, stack())
    assert ask(wire, neighbour, "v2") == set()
    assert ask(wire, neighbour, api)
    assert "No changes" in apply(tmp_path, stack(), "plan")


def make_older(wire: Wire, container: str) -> None:
    """Put in the place of a container the one that an older nexusctl would have made, with a plain name everywhere."""
    seen = wire.get(f"/containers/{container}/json")
    marks = seen["Config"]["Labels"]
    del marks[labels.NAMED]
    name = marks[labels.SANDBOX]
    (network,) = seen["NetworkSettings"]["Networks"]
    body = {
        **seen["Config"],
        "HostConfig": seen["HostConfig"],
        "NetworkingConfig": {"EndpointsConfig": {network: {"Aliases": [name]}}},
    }
    wire.delete(f"/containers/{container}", {"force": True})
    made = wire.post("/containers/create", body, {"name": container})["Id"]
    wire.post(f"/containers/{made}/start")


def test_a_plan_warns_of_names_that_a_neighbour_has_as_well(
    tmp_path: Path, stack_name: str, base_image: str, outer: str, neighbour: str, wire: Wire
) -> None:
    web = sandbox(base_image) | {"networks": {"shared": {"aliases": ["db"]}}}
    stack: dict[str, Any] = {
        "name": stack_name,
        "networks": {"shared": {"external": outer}},
        "sandboxes": {"web": web, "db": sandbox(base_image, "shared")},
    }
    shown = apply(tmp_path, stack, "plan")
    assert f"warning: web: db is what {outer}-neighbour is called as well on {outer}" in shown
    web["networks"] = ["shared"]
    assert "warning" not in apply(tmp_path, stack, "plan")
    apply(tmp_path, stack)
    assert "warning" not in apply(tmp_path, stack, "plan")
    # An older version asks for plain names.
    make_older(wire, f"{stack_name}_web")
    shown = apply(tmp_path, stack, "plan")
    assert "No changes" in shown
    assert f"web may get {outer}-neighbour when it asks for db: both are called so on {outer}" in shown


@pytest.mark.parametrize("by", ["docker", "nexusctl"])
def test_a_plan_warns_of_a_neighbour_s_alias_however_it_was_given(
    tmp_path: Path, stack_name: str, base_image: str, outer: str, wire: Wire, by: str
) -> None:
    aliased = {"networks": {"shared": {"aliases": ["web", "not-asked-for"]}}}
    shared = {"shared": {"external": outer}}
    theirs = {"docker": f"{outer}-plain", "nexusctl": f"{stack_name}-too_front"}[by]
    if by == "nexusctl":
        front = {**sandbox(base_image), **aliased}
        apply(tmp_path, {"name": f"{stack_name}-too", "networks": shared, "sandboxes": {"front": front}})
    else:
        run = ["docker", "run", "-d", "--name", theirs, "--network", outer, "--network-alias", "web"]
        subprocess.run([*run, base_image, "sleep", "infinity"], check=True, capture_output=True)
    try:
        stack = {"name": stack_name, "networks": shared, "sandboxes": {"api": {**sandbox(base_image), **aliased}}}
        shown = apply(tmp_path, stack, "plan")
        assert f"warning: api: web is what {theirs} is called as well on {outer}" in shown
        stack["sandboxes"]["api"]["networks"] = ["shared"]
        assert "warning" not in apply(tmp_path, stack, "plan")
        apply(tmp_path, stack)
        assert "warning" not in apply(tmp_path, stack, "plan")
    finally:
        subprocess.run(["docker", "rm", "-f", theirs], check=False, capture_output=True)


def test_a_plan_warns_of_whoever_has_a_name_of_its_own_in_a_network_of_the_stack(
    tmp_path: Path, stack_name: str, base_image: str, outer: str, wire: Wire
) -> None:
    stack: dict[str, Any] = {
        "name": stack_name,
        "networks": {"hub": {"shared": True}},
        "sandboxes": {"db": sandbox(base_image, "hub"), "web": sandbox(base_image, "hub", "default")},
    }
    apply(tmp_path, stack)
    hub, theirs = f"{stack_name}_hub", f"{stack_name}-too_back"
    back = sandbox(base_image) | {"networks": {"their": {"aliases": ["db", "other"]}}}
    joined = {"name": f"{stack_name}-too", "networks": {"their": {"external": hub}}, "sandboxes": {"back": back}}
    apply(tmp_path, joined)
    assert ask(wire, f"{stack_name}_web", "db") > addresses(wire, f"{stack_name}_db")
    shown = apply(tmp_path, stack, "plan")
    assert f"warning: db: db is what {theirs} is called as well on {hub}: others may get either" in shown
    assert f"help: give {theirs} another name there, or `docker network disconnect {hub} {theirs}`" in shown
    assert shown.count("warning") == 1
    back["networks"]["their"]["aliases"] = ["other"]
    apply(tmp_path, joined)
    assert "warning" not in apply(tmp_path, stack, "plan")
    # The network goes when nobody is in it any more.
    apply(tmp_path, joined, "destroy", "--yes")


def test_a_plan_warns_of_a_hostname_that_a_neighbour_has(
    tmp_path: Path, stack_name: str, base_image: str, outer: str, neighbour: str
) -> None:
    shared = {"shared": {"external": outer}}
    web = sandbox(base_image, "shared", hostname="cache")
    shown = apply(tmp_path, {"name": stack_name, "networks": shared, "sandboxes": {"web": web}}, "plan")
    assert f"warning: web: cache is what {outer}-neighbour is called as well on {outer}: others may get either" in shown
    assert "help: give it another hostname there, or rename the other one" in shown


def test_what_older_versions_have_made_stays_and_joins_again_when_another_gets_the_stacks_name(
    tmp_path: Path, stack_name: str, base_image: str, outer: str, wire: Wire
) -> None:
    stack = {
        "name": stack_name,
        "networks": {"shared": {"external": outer}},
        "sandboxes": {"web": sandbox(base_image, "shared"), "db": sandbox(base_image, "shared")},
    }
    apply(tmp_path, stack)
    web, db = f"{stack_name}_web", f"{stack_name}_db"
    for container in (web, db):
        make_older(wire, container)
    before = wire.get(f"/containers/{web}/json")["Id"]
    assert ask(wire, web, "db") == addresses(wire, db)
    assert "No changes" in apply(tmp_path, stack, "plan")
    stack["sandboxes"]["db"]["env"] = {"A": "1"}
    shown = apply(tmp_path, stack)
    assert f"web  will be updated in place: {outer} is joined again, which cuts its connections there" in shown
    assert "db gets the stack's name there" in shown
    assert wire.get(f"/containers/{web}/json")["Id"] == before
    assert ask(wire, web, "db") == addresses(wire, db) != set()
    assert ask(wire, db, "web") == addresses(wire, web)
    assert "No changes" in apply(tmp_path, stack, "plan")
