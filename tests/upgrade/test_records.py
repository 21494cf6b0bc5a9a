"""A stack that 0.1.0 has made has no changes today: its labels, records, amendments, images, secrets and files."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.config.load import load
from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound
from nexusctl.model.record import decode
from tests import prestarted
from tests.alone import alone
from tests.ranges import make_network
from tests.upgrade.replay import forget, replay
from tests.upgrade.save import MEMORY

HERE = Path(__file__).parent
SAVED = HERE / "made-by-0.1.0.json"
STACK = "records-of-0-1-0"
OUTER, GIVEN = f"{STACK}-outer", f"{STACK}-given"
DATA = json.loads(SAVED.read_text())

Live = tuple[Path, dict[str, str]]


def nexusctl(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return prestarted.run(
        [sys.executable, "-m", "nexusctl", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def records(role: str) -> list[str]:
    marked = [entry["Labels"] for entry in DATA["volumes"]] + [entry["body"]["Labels"] for entry in DATA["containers"]]
    return [marks[labels.RECORD] for marks in marked if marks[labels.ROLE] == role]


def test_it_has_every_kind_of_field_that_records_had_then() -> None:
    known = set().union(*(json.loads(record)["sandbox"] for record in records("sandbox")))
    assert known == {
        *("name", "group", "image", "template", "kind", "run", "command", "working_dir", "user", "env", "secrets"),
        *("packages", "uploads", "startup", "depends_on", "health", "ports", "mounts", "networks", "resources"),
        *("restart", "on_replace", "timeout", "metadata", "lifecycle"),
    }
    assert len(records("amendment")) == 1
    assert len(records("end")) == 2


@pytest.mark.parametrize("record", [*records("sandbox"), *records("amendment"), *records("end")])
def test_each_record_is_understood_and_says_what_the_file_says(record: str) -> None:
    sandbox = decode(record.replace("<<folder>>", str(HERE / "stack")))
    desired = load(HERE / "stack" / "nexus.yaml").sandboxes[sandbox.name]
    first = sandbox.name == "amended" and sandbox.restart == "no"
    fields = {field: (getattr(sandbox, field), getattr(desired, field)) for field in desired.__dataclass_fields__}
    differing = {field for field, (then, now) in fields.items() if then != now}
    # A secret's value is known at apply only; what changes in place later stands in the amendment.
    # The limits that a built-in template brings come with a container, and change none that is there.
    brought = {"resources"} if sandbox.template == "node" else set()
    assert differing - {"env", "secrets"} - brought == ({"resources", "restart", "uploads"} if first else set())


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, base_image: str, wire: Wire) -> Iterator[Live]:
    """The stack on the engine, under the name that its digests of secrets are made for."""
    folder = tmp_path_factory.mktemp("upgrade") / "stack"
    shutil.copytree(HERE / "stack", folder, symlinks=True)
    with alone(STACK):
        clear(folder, wire)
        _make_image_with_a_volume(wire, base_image)
        make_network(wire, OUTER)
        wire.post("/volumes/create", {"Name": GIVEN})
        try:
            yield folder, replay(wire, SAVED, folder)
        finally:
            clear(folder, wire)
            forget(wire, SAVED)


def clear(folder: Path, wire: Wire) -> None:
    nexusctl(folder, "destroy", "--yes", "--volumes", "--stack", STACK, "--ignore-missing")
    for path in (f"/networks/{OUTER}", f"/volumes/{GIVEN}"):
        try:
            wire.delete(path)
        except NotFound:
            continue


def _make_image_with_a_volume(wire: Wire, base_image: str) -> None:
    made = wire.post("/containers/create", {"Image": base_image, "Cmd": ["true"]})["Id"]
    query = {"container": made, "repo": "nexusctl-test/anonymous", "tag": "1"}
    wire.post("/commit", {"Volumes": {"/data": {}}}, query)
    wire.delete(f"/containers/{made}", {"force": True})


def list_marked(wire: Wire) -> list[dict[str, Any]]:
    marked = {"filters": {"label": [f"{labels.STACK}={STACK}"]}}
    return [
        *wire.get("/containers/json", {"all": True, **marked}),
        *wire.get("/networks", marked),
        *(wire.get("/volumes", marked)["Volumes"] or []),
    ]


@pytest.mark.engine
@pytest.mark.parametrize(
    "verb", [["plan", "--detailed-exitcode"], ["plan", "--deep", "--detailed-exitcode"], ["drift"]]
)
def test_nothing_has_changed(live: Live, verb: list[str]) -> None:
    folder, _ = live
    done = nexusctl(folder, *verb)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"stack {STACK} is as it" in done.stdout
    document = json.loads(nexusctl(folder, *verb, "--json").stdout)
    assert [change for change in document["changes"] if change["action"] != "none"] == []


@pytest.mark.engine
def test_an_apply_that_reads_the_secrets_changes_nothing_either(live: Live, wire: Wire) -> None:
    folder, ids = live
    before = {entry.get("Id") or entry["Name"] for entry in list_marked(wire)}
    done = nexusctl(folder, "apply", "--yes", "--deep")
    assert done.returncode == 0, done.stderr
    assert f"No changes: stack {STACK} is as it should be (13 sandboxes unchanged)." in done.stdout
    assert {entry.get("Id") or entry["Name"] for entry in list_marked(wire)} == before
    assert {wire.get(f"/containers/{name}/json")["Id"] for name in ids} == set(ids.values())


@pytest.mark.engine
def test_what_does_change_is_seen(live: Live) -> None:
    """The emptiness of the plans above is not blindness: each part of the file still has its word."""
    folder, _ = live
    text = (folder / "nexus.yaml").read_text()
    changes = {
        "memory: 96m": "memory: 97m",
        "RATE: 1.10": "RATE: 1.1",
        "[left-pad@1.3.0]": "[left-pad@1.2.0]",
        "second": "third",
        "queue: mail": "queue: post",
        'N: "${each.value.n}"': 'N: "0${each.value.n}"',
        "tcp: 8000": "tcp: 8001",
        "cat /etc/seed": "cat  /etc/seed",
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "changed.yaml").write_text(text)
    document = json.loads(nexusctl(folder, "plan", "-f", "changed.yaml", "--json").stdout)
    changed = {change["name"] for change in document["changes"] if change["action"] != "none"}
    assert {"amended", "full", "script", "worker", "each-north", "each-south", "listener", "seed"} <= changed


@pytest.mark.engine
def test_a_file_that_is_made_anew_of_its_records_changes_nothing_but_what_it_says_that_it_lacks(
    live: Live, tmp_path: Path
) -> None:
    done = nexusctl(tmp_path, "import", "stack", STACK)
    assert done.returncode == 0, done.stderr
    assert "each.for_each: its instances are not alike" in done.stderr
    assert "full.uploads./srv/site/start.html: it is a link" in done.stderr
    planned = nexusctl(tmp_path, "plan", "--json", "--var", "pin=4321")
    changes = json.loads(planned.stdout)["changes"]
    assert [change["name"] for change in changes if change["action"] != "none"] == ["each-south", "full"]


@pytest.mark.engine
def test_destroy_removes_all_of_it_and_nothing_else(live: Live, wire: Wire) -> None:
    folder, ids = live
    done = nexusctl(folder, "destroy", "--yes", "--volumes")
    assert done.returncode == 0, done.stderr
    assert list_marked(wire) == []
    for name in ids:
        with pytest.raises(NotFound):
            wire.get(f"/containers/{name}/json")
    folders = [MEMORY / secret["folder"] for secret in DATA["secrets"]]
    assert [folder for folder in folders if folder.exists()] == []
    assert wire.get(f"/volumes/{GIVEN}")["Name"] == GIVEN
    assert wire.get(f"/networks/{OUTER}")["Name"] == OUTER
