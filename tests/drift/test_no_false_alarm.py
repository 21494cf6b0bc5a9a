"""What nexusctl has made itself is never drift: not for any field, not in many plans, not after a restart."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from nexusctl.engine.docker.client.client import Wire
from nexusctl.plan.plan import make_plan
from tests.drift import quiet
from tests.drift.scene import Scene, findings, lay_out

pytestmark = pytest.mark.engine

SCHEMA = Path(__file__).parents[2] / "schemas" / "stack.schema.json"

SETTINGS = {
    "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "OWN=1", "A=image"],
    "Cmd": ["sleep", "1000"],
    "User": "daemon",
    "WorkingDir": "/var/lib/own",
    "Volumes": {"/var/lib/own": {}},
    "Healthcheck": {"Test": ["CMD", "true"], "Interval": 8_000_000_000},
    "Labels": {"own": "1", "dev.nexusctl.stack": "", "dev.nexusctl.role": ""},
    "ExposedPorts": {"8080/tcp": {}},
    "StopSignal": "SIGKILL",
}

# `make quiet` makes a thousand: each asks the engine about ninety containers.
PLANS = int(os.environ.get("QUIET_PLANS", "30"))


@pytest.fixture(scope="module")
def name() -> str:
    return f"quiet-{uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def scene(wire: Wire, base_image: str, name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    scene = make_scene(wire, base_image, name, tmp_path_factory.mktemp("quiet"))
    try:
        scene.apply(deep=False)
        yield scene
    finally:
        scene.destroy()
        wire.delete(f"/images/nexusctl-test/{name}:1", {"force": True})


def make_scene(wire: Wire, plain: str, name: str, folder: Path) -> Scene:
    """The stack of `quiet`, in a folder; not applied yet."""
    loaded = f"nexusctl-test/{name}:1"
    made = wire.post("/containers/create", {"Image": plain, "Cmd": ["true"]})["Id"]
    wire.post("/commit", SETTINGS, {"container": made, "repo": loaded.rpartition(":")[0], "tag": "1"})
    wire.delete(f"/containers/{made}")
    plain_id = wire.get(f"/images/{plain}/json")["Id"]
    lay_out(folder, quiet.FILES)
    (folder / "src/link").symlink_to("folder/ünï.txt")
    (folder / "src/empty").mkdir()
    for file, template in yaml.safe_load(quiet.TEMPLATES.replace("PLAIN", plain).replace("LOADED", loaded)).items():
        (folder / file).write_text(yaml.safe_dump({"name": Path(file).stem, **template}))
    document = quiet.make_document(name, plain, loaded, plain_id)
    (folder / "nexus.yaml").write_text(yaml.safe_dump(document, allow_unicode=True))
    return Scene(wire, folder / "nexus.yaml")


def test_every_field_of_the_schema_has_three_variants_here() -> None:
    fields = json.loads(SCHEMA.read_text())["$defs"]["sandbox"]["properties"]
    document = quiet.make_document("x", "plain", "loaded", "sha256:0")
    counts = {
        field: len({json.dumps(s.get(field), sort_keys=True) for s in document["sandboxes"].values() if field in s})
        for field in fields
    }
    # Of some fields there are only two values, and two policies that do not run at every apply.
    known = {
        field: schema.get("enum", (True, False) if schema.get("type") == "boolean" else "...")
        for field, schema in fields.items()
    }
    least = {field: min(3, len(values) - (field == "run")) for field, values in known.items()}
    assert {field: count for field, count in counts.items() if count < least[field]} == {}


def test_after_an_apply_the_deep_plan_is_empty_whatever_the_fields(scene: Scene) -> None:
    assert findings(scene.plan()) == set()
    assert findings(scene.drift()) == set()
    assert findings(scene.plan(deep=False)) == set()


def test_however_often_it_is_planned_the_plan_is_empty(scene: Scene) -> None:
    stack, engine = scene.stack, scene.engine
    loud = [plan for _ in range(PLANS) if (plan := make_plan(stack, engine.observe(stack), engine.in_place)).changes]
    assert loud == []
