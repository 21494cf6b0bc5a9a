"""Addresses, options and labels of networks and volumes: as the engine has them, compared with the stack file."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import PlanError
from nexusctl.model.engine_names import network_name, volume_name
from tests.drift.scene import Scene, findings
from tests.ranges import choose_range

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("drift-declared")]

STACK = """
name: NAME
networks:
  back: {subnet: RANGE, gateway: LAST, labels: {team: red}}
volumes:
  data: {driver_opts: {type: tmpfs, device: tmpfs, o: size=1m}, labels: {backup: daily}}
  kept: {labels: {backup: hourly}}
sandboxes:
  box: {image: IMAGE, command: [sleep, infinity], networks: [back], volumes: ["data:/data", "kept:/kept"]}
  peer: {image: IMAGE, command: [sleep, infinity], networks: {back: {aliases: [other]}, default: }, replicas: 2}
"""


@pytest.fixture
def scene(wire: Wire, base_image: str, tmp_path: Path) -> Iterator[Scene]:
    subnet = choose_range(wire)
    text = STACK.replace("NAME", f"test-{uuid4().hex[:8]}").replace("IMAGE", base_image)
    text = text.replace("RANGE", subnet).replace("LAST", str(IPv4Network(subnet)[-2]))
    (tmp_path / "nexus.yaml").write_text(text)
    scene = Scene(wire, tmp_path / "nexus.yaml")
    try:
        scene.apply(deep=False)
        yield scene
    finally:
        scene.destroy()


def rewrite(scene: Scene, before: str, after: str) -> None:
    text = scene.file.read_text()
    assert before in text
    scene.file.write_text(text.replace(before, after))


def show(scene: Scene) -> dict[str, Any]:
    found: dict[str, Any] = scene.wire.get(f"/networks/{network_name(scene.stack.name, 'back')}")
    return found


def test_the_engine_has_what_the_file_says(scene: Scene) -> None:
    network, declared = show(scene), scene.stack.networks["back"]
    assert network["IPAM"]["Config"] == [{"Subnet": declared.subnet, "Gateway": declared.gateway}]
    assert network["Labels"]["team"] == "red"
    volume = scene.wire.get(f"/volumes/{volume_name(scene.stack.name, 'data')}")
    assert volume["Options"] == {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
    assert volume["Labels"]["backup"] == "daily"
    assert findings(scene.plan()) == findings(scene.plan(deep=False)) == findings(scene.drift()) == set()
    assert "size=1024k" in scene.inside("box", "grep ' /data ' /proc/mounts")


def test_another_range_or_label_makes_the_network_anew_and_keeps_the_containers(scene: Scene) -> None:
    ids, first = {scene.id("box"), scene.id("peer-1"), scene.id("peer-2")}, show(scene)
    old = scene.stack.networks["back"]
    assert old.subnet
    assert old.gateway
    whole = IPv4Network(old.subnet)
    half = str(next(whole.subnets()))
    changes = {
        "team: red": "team: blue",
        old.gateway: str(whole[3]),
        f"subnet: {old.subnet}": f"subnet: {half}",
    }
    for before, after in changes.items():
        rewrite(scene, before, after)
        (change,) = (change for change in scene.plan(deep=False).changes if change.kind == "network")
        assert change.cause == "changed"
        scene.apply(deep=False)
        assert findings(scene.plan(deep=False)) == set()
        network = show(scene)
        assert ids == set(network["Containers"])
        assert scene.inside("peer-1", "getent hosts box").split()[1] == "box"
    assert network["Id"] != first["Id"]
    assert network["IPAM"]["Config"][0]["Subnet"] == half
    assert {scene.id("box"), scene.id("peer-1"), scene.id("peer-2")} == ids


def test_a_range_that_is_in_use_is_refused_before_anything_is_changed(scene: Scene, wire: Wire) -> None:
    (taken,) = (n["IPAM"]["Config"][0]["Subnet"] for n in wire.get("/networks") if n["Name"] == "bridge")
    own, before = scene.stack.networks["back"], show(scene)
    rewrite(scene, f"subnet: {own.subnet}, gateway: {own.gateway}", f"subnet: {taken}")
    with pytest.raises(PlanError, match="shares addresses with"):
        scene.plan(deep=False)
    assert scene.wire.get(f"/networks/{before['Id']}") == before


def test_another_volume_takes_the_place_of_one_that_cannot_change_and_what_is_in_that_stays(
    scene: Scene, wire: Wire
) -> None:
    first, second = (f"{volume_name(scene.stack.name, 'kept')}{end}" for end in ("", ".2"))
    scene.inside("box", "echo kept > /kept/it")
    peers = {scene.id("peer-1"), scene.id("peer-2")}
    rewrite(scene, "backup: hourly", "backup: weekly")
    volume, box = scene.plan(deep=False).changes
    assert (volume.kind, volume.cause) == ("volume", "changed")
    assert f"what is in {first} stays there" in volume.reason
    assert (box.name, box.action) == ("box", "replace")
    scene.apply(deep=False)
    assert wire.get(f"/volumes/{second}")["Labels"]["backup"] == "weekly"
    assert scene.inside("box", "ls /kept") == ""
    assert findings(scene.plan()) == findings(scene.plan(deep=False)) == findings(scene.drift()) == set()
    assert {scene.id("peer-1"), scene.id("peer-2")} == peers
    rewrite(scene, "backup: weekly", "backup: hourly")
    scene.apply(deep=False)
    assert scene.inside("box", "cat /kept/it").strip() == "kept"
    assert findings(scene.plan()) == findings(scene.drift()) == set()
    scene.destroy()
    assert not any(found["Name"].startswith(first) for found in wire.get("/volumes")["Volumes"])


def test_a_volume_that_a_prune_has_taken_is_made_with_the_container_as_the_file_says(scene: Scene, wire: Wire) -> None:
    name = volume_name(scene.stack.name, "data")
    wire.delete(f"/containers/{scene.id('box')}", {"force": True})
    wire.delete(f"/volumes/{name}")
    scene.apply(deep=False)
    assert wire.get(f"/volumes/{name}")["Options"]["o"] == "size=1m"
    assert findings(scene.plan(deep=False)) == set()


def answers(scene: Scene, name: str) -> set[str]:
    """The addresses that a name means to `box`."""
    return set(scene.inside("box", f"getent ahostsv4 {name} | cut -d' ' -f1 | sort -u || true").split())


def address(scene: Scene, sandbox: str) -> str:
    found = scene.wire.get(f"/containers/{scene.id(sandbox)}/json")["NetworkSettings"]["Networks"]
    return str(found[network_name(scene.stack.name, "back")]["IPAddress"])


def test_aliases_are_those_of_each_replica_and_change_in_place(scene: Scene) -> None:
    both, ids = {address(scene, "peer-1"), address(scene, "peer-2")}, {scene.id("peer-1"), scene.id("peer-2")}
    assert answers(scene, "other") == answers(scene, "peer") == both
    rewrite(scene, "aliases: [other]", "aliases: [another]")
    scene.apply(deep=False)
    assert findings(scene.plan()) == set()
    assert {scene.id("peer-1"), scene.id("peer-2")} == ids
    assert answers(scene, "another") == {address(scene, "peer-1"), address(scene, "peer-2")}
    assert answers(scene, "other") == set()


def test_names_that_a_disconnect_and_a_connect_by_hand_have_lost_are_seen_and_given_back(
    scene: Scene, wire: Wire
) -> None:
    network, lost = network_name(scene.stack.name, "back"), scene.id("peer-1")
    wire.post(f"/networks/{network}/disconnect", {"Container": lost})
    wire.post(f"/networks/{network}/connect", {"Container": lost})
    assert answers(scene, "other") == {address(scene, "peer-2")}
    found = {("sandbox peer-1", "update", "networks.back.aliases", "drifted")}
    assert findings(scene.plan(deep=False)) == findings(scene.plan()) == findings(scene.drift()) == found
    scene.apply(deep=False)
    assert scene.id("peer-1") == lost
    assert answers(scene, "other") == answers(scene, "peer") == {address(scene, "peer-1"), address(scene, "peer-2")}
    assert answers(scene, "peer-1") == {address(scene, "peer-1")}
    assert findings(scene.plan()) == findings(scene.drift()) == set()
