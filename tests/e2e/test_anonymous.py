"""The volumes that a sandbox has for itself: what is in them stays its own, whatever becomes of its containers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from nexusctl.engine.labels import SANDBOX, STACK
from nexusctl.errors import NotFound
from tests import prestarted

pytestmark = pytest.mark.engine

NAMELESS = re.compile(r"[0-9a-f]{64}")


class Bench:
    """A stack with `db`, whose image says `VOLUME /data` and has a file `/data/brought`."""

    def __init__(self, folder: Path, stack: str, image: str, plain: str, wire: Wire) -> None:
        self.folder, self.stack, self.image, self.plain, self.wire = folder, stack, image, plain, wire

    def db(self, **more: Any) -> dict[str, Any]:
        return {"image": self.image, "command": ["sleep", "infinity"], "networks": [], **more}

    def write(self, **sandboxes: Any) -> None:
        (self.folder / "nexus.yaml").write_text(json.dumps({"name": self.stack, "sandboxes": sandboxes}))

    def run(self, *arguments: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "nexusctl", *arguments]
        done = prestarted.run(command, cwd=self.folder, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def docker(self, *arguments: str) -> str:
        return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()

    def apply(self, **sandboxes: Any) -> str:
        self.write(**sandboxes)
        return self.run("apply", "--yes")

    def container(self, sandbox: str = "db") -> dict[str, Any]:
        query = {"all": True, "filters": {"label": [f"{STACK}={self.stack}", f"{SANDBOX}={sandbox}"]}}
        (found,) = self.wire.get("/containers/json", query)
        inspected: dict[str, Any] = self.wire.get(f"/containers/{found['Id']}/json")
        return inspected

    def inside(self, script: str, container: str = "") -> str:
        found = run_inside(self.wire, container or self.container()["Id"], ("sh", "-c", script))
        return found.output.strip()

    def volume(self, target: str = "/data", container: str = "") -> str:
        seen = self.wire.get(f"/containers/{container}/json") if container else self.container()
        return next(str(m["Name"]) for m in seen["Mounts"] if m["Destination"] == target)

    def has(self, volume: str) -> bool:
        try:
            self.wire.get(f"/volumes/{volume}")
        except NotFound:
            return False
        return True

    def is_empty(self) -> bool:
        self.run("plan", "--detailed-exitcode")
        return True


@pytest.fixture(scope="session")
def image(wire: Wire, base_image: str) -> str:
    """One made by others, with a volume that is not empty."""
    name = "nexusctl-test/volume:1"
    made = wire.post(
        "/containers/create", {"Image": base_image, "Cmd": ["sh", "-c", "mkdir /data; echo brought > /data/brought"]}
    )["Id"]
    wire.post(f"/containers/{made}/start")
    wire.post(f"/containers/{made}/wait")
    wire.post(
        "/commit",
        {"Volumes": {"/data": {}}, "Cmd": ["true"]},
        {"container": made, "repo": "nexusctl-test/volume", "tag": "1"},
    )
    wire.delete(f"/containers/{made}", {"force": True})
    return name


@pytest.fixture
def bench(tmp_path: Path, stack_name: str, base_image: str, image: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, image, base_image, wire)
    yield made
    made.run("destroy", "--yes", "--volumes", "--stack", stack_name, "--ignore-missing")
    left = wire.get("/volumes", {"filters": {"label": [f"{STACK}={stack_name}"]}})["Volumes"]
    assert not left, "what bears the stack's label outlives `destroy --volumes`"


WAYS: dict[str, dict[str, Any]] = {
    "image": {},
    "file": {"image": "PLAIN", "volumes": ["/data"]},
}


def start(bench: Bench, way: str, **more: Any) -> dict[str, Any]:
    fields = {**WAYS[way], **more}
    db = bench.db(**({**fields, "image": bench.plain} if way == "file" else fields))
    bench.apply(db=db)
    bench.inside("echo mine > /data/mine")
    return db


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("on_replace", ["discard", "preserve"])
def test_a_replacement_gets_them(bench: Bench, way: str, on_replace: str) -> None:
    db = start(bench, way, on_replace=on_replace)
    volume, before = bench.volume(), bench.container()["Id"]
    said = bench.apply(db={**db, "env": {"A": "1"}})
    assert bench.container()["Id"] != before
    assert (bench.volume(), bench.inside("cat /data/mine")) == (volume, "mine")
    assert "its volume at /data passes on to the new container" in said
    assert "stopped first" in said
    assert bench.is_empty()


def test_the_image_s_own_files_are_in_it(bench: Bench) -> None:
    start(bench, "image")
    assert bench.inside("cat /data/brought") == "brought"


@pytest.mark.parametrize("way", WAYS)
def test_destroy_keeps_them_and_the_next_apply_finds_them_again(bench: Bench, way: str) -> None:
    db = start(bench, way)
    volume = bench.volume()
    said = bench.run("destroy", "--yes")
    assert f"its volume at /data stays, as {volume}" in said
    assert f"volume {volume}" in said.splitlines()[-1]
    said = bench.apply(db=db)
    assert f"it gets its volume at /data again, which was kept as {volume}" in said
    assert bench.inside("cat /data/mine") == "mine"


@pytest.mark.parametrize("way", WAYS)
def test_destroy_with_volumes_removes_them_and_says_so(bench: Bench, way: str) -> None:
    start(bench, way)
    volume = bench.volume()
    said = bench.run("destroy", "--yes", "--volumes")
    assert re.search("volume +db:/data", said)
    assert "its data is lost" in said
    assert not bench.has(volume)
    assert said.splitlines()[-1] == f"Nothing is left of stack {bench.stack}."


def test_a_sandbox_that_leaves_the_file_leaves_them(bench: Bench) -> None:
    start(bench, "image")
    volume = bench.volume()
    said = bench.apply(other=bench.db(image=bench.plain))
    assert f"its volume at /data stays, as {volume}" in said
    assert bench.has(volume)
    assert bench.is_empty()


def test_a_task_that_runs_again_has_them(bench: Bench) -> None:
    job = bench.db(kind="task", command="echo run >> /data/runs; wc -l < /data/runs")
    for count in (1, 2, 3):
        bench.apply(job={**job, "env": {"N": str(count)}})
        assert bench.run("logs", "job").strip() == str(count)


def test_a_failed_replacement_leaves_them_to_the_old_one(bench: Bench) -> None:
    db = start(bench, "image")
    volume = bench.volume()
    bench.write(db={**db, "startup": "exit 3"})
    bench.run("apply", "--yes", code=1)
    assert (bench.volume(), bench.inside("cat /data/mine")) == (volume, "mine")


def test_what_an_older_nexusctl_left_to_the_engine_is_taken_along(bench: Bench) -> None:
    """Its containers have nameless volumes, which only the container tells of."""
    db = start(bench, "image")
    born = bench.container()
    config = {key: born["Config"][key] for key in ("Image", "Cmd", "Labels", "Env")}
    bench.run("destroy", "--yes", "--volumes")
    config["Labels"] |= {"dev.nexusctl.birth-name": ""}
    made = bench.wire.post("/containers/create", config, {"name": f"{bench.stack}_db"})["Id"]
    bench.wire.post(f"/containers/{made}/start")
    bench.inside("echo mine > /data/mine")
    volume = bench.volume()
    assert NAMELESS.fullmatch(volume)
    bench.apply(db=db)
    bench.apply(db={**db, "env": {"A": "1"}})
    assert (bench.volume(), bench.inside("cat /data/mine")) == (volume, "mine")
    said = bench.run("destroy", "--yes")
    assert f"volume {volume}" in said.splitlines()[-1]
    bench.apply(db=db)
    assert (bench.volume(), bench.inside("cat /data/mine")) == (volume, "mine")
    bench.run("destroy", "--yes", "--volumes")
    assert not bench.has(volume)


@pytest.mark.parametrize("options", [[], ["-v", "/more"]])
def test_an_adopted_container_brings_its_own(bench: Bench, options: list[str]) -> None:
    name = f"{bench.stack}-theirs"
    made = bench.docker("run", "-d", "--name", name, *options, bench.image, "sleep", "infinity")
    try:
        bench.run("import", "container", name, "--adopt", "--stack", bench.stack)
        assert bench.is_empty()
        volumes = {
            mount["Destination"]: mount["Name"] for mount in bench.wire.get(f"/containers/{made}/json")["Mounts"]
        }
        text = (bench.folder / "nexus.yaml").read_text()
        assert ("/more" in text) == bool(options)
        (bench.folder / "nexus.yaml").write_text(text.replace("command:", "env: {A: '1'}\n    command:"))
        said = bench.run("apply", "--yes")
        assert "passes on to the new container" in said
        now = {mount["Destination"]: mount["Name"] for mount in bench.container(name)["Mounts"]}
        assert now == volumes
    finally:
        subprocess.run(["docker", "rm", "-f", made], check=False, capture_output=True)


def test_what_others_use_too_is_never_removed(bench: Bench) -> None:
    name = f"{bench.stack}-theirs"
    made = bench.docker("run", "-d", "--name", name, bench.image, "sleep", "infinity")
    bench.run("import", "container", name, "--adopt", "--stack", bench.stack)
    volume = bench.volume(container=made)
    reader = bench.docker("run", "-d", "-v", f"{volume}:/theirs", bench.plain, "sleep", "infinity")
    try:
        bench.run("destroy", "--yes", "--volumes")
        assert bench.has(volume)
    finally:
        bench.docker("rm", "-f", reader)
        bench.docker("volume", "rm", volume)


def test_import_stack_writes_them(bench: Bench) -> None:
    start(bench, "file")
    assert '"/data"' in bench.run("import", "stack", bench.stack, "--stdout")


def test_the_path_of_one_may_become_a_volume_of_the_file(bench: Bench) -> None:
    db = start(bench, "image")
    own = bench.volume()
    text = {"name": bench.stack, "volumes": {"data": None}, "sandboxes": {"db": {**db, "volumes": ["data:/data"]}}}
    (bench.folder / "nexus.yaml").write_text(json.dumps(text))
    bench.run("apply", "--yes")
    assert bench.volume() == f"{bench.stack}_data"
    assert bench.has(own)


def size_of(said: str, before: str) -> int:
    """The bytes in the line behind the one that has `before`, in KiB."""
    lines = said.splitlines()
    following = "\n".join(lines[next(n for n, line in enumerate(lines) if before in line) :])
    found = re.search(r"in (?:it|that volume): ([0-9.]+) (B|KiB|MiB)", following)
    assert found, said
    return int(float(found[1]) * {"B": 1, "KiB": 1024, "MiB": 1024**2}[found[2]]) // 1024


def test_a_plan_says_how_much_is_lost_kept_and_passed_on_in_them(bench: Bench) -> None:
    db = start(bench, "image")
    bench.inside("head -c 3000000 /dev/zero > /data/much")
    du = int(bench.docker("run", "--rm", "-v", f"{bench.volume()}:/v", bench.plain, "du", "-sk", "/v").split()[0])
    bench.write(db={**db, "env": {"A": "1"}})
    assert abs(size_of(bench.run("plan"), "passes on to the new container") - du) < 40
    changes = json.loads(bench.run("plan", "--json"))["changes"]
    assert [change["volume_bytes"] // 1024 for change in changes] == [pytest.approx(du, abs=40)]
    bench.write(other=bench.db(image=bench.plain))
    assert abs(size_of(bench.run("plan"), "its volume at /data stays") - du) < 40
    bench.run("destroy", "--yes")
    assert abs(size_of(bench.run("destroy", "--yes", "--volumes"), "its data is lost") - du) < 40


def test_a_volume_of_the_file_is_measured_where_it_is_lost(bench: Bench) -> None:
    box = bench.db(image=bench.plain, command="head -c 2000000 /dev/zero > /v/x; sync; exec sleep infinity")
    text = {"name": bench.stack, "volumes": {"data": None}, "sandboxes": {"db": {**box, "volumes": ["data:/v"]}}}
    (bench.folder / "nexus.yaml").write_text(json.dumps(text))
    bench.run("apply", "--yes")
    while bench.inside("stat -c %s /v/x") != "2000000":
        pass
    assert 1900 < size_of(bench.run("destroy", "--yes", "--volumes"), "its data is lost") < 2100


@pytest.mark.parametrize("way", WAYS)
def test_what_the_new_image_or_the_file_has_no_more_stays_unmounted_and_comes_back(bench: Bench, way: str) -> None:
    start(bench, way)
    volume = bench.volume()
    without = bench.db(image=bench.plain, env={"A": "1"})
    said = bench.apply(db=without)
    assert f'stays unmounted, as {volume}: `volumes: ["/data"]` mounts it again' in said
    assert "passes on" not in said
    assert bench.container()["Mounts"] == []
    assert bench.has(volume)
    assert bench.is_empty()
    said = bench.apply(db={**without, "volumes": ["/data"]})
    assert f"it gets its volume at /data again, which was kept as {volume}" in said
    assert (bench.volume(), bench.inside("cat /data/mine")) == (volume, "mine")
    bench.apply(db=without)
    said = bench.run("destroy", "--yes", "--volumes")
    assert re.search("volume +db:/data", said)
    assert not bench.has(volume)
    assert said.splitlines()[-1] == f"Nothing is left of stack {bench.stack}."


def test_of_an_image_that_nobody_has_seen_the_plan_says_what_it_hangs_on(bench: Bench) -> None:
    db = start(bench, "image")
    bench.write(db={**db, "image": "localhost:1/nexusctl/none:1"})
    said = bench.run("plan")
    expected = (
        f"passes on to the new container if its image has one there, and else stays unmounted, as {bench.volume()}"
    )
    assert expected in said


def test_one_whose_place_a_volume_of_the_file_takes_stays_and_the_plan_says_so(bench: Bench) -> None:
    db = start(bench, "image")
    own = bench.volume()
    text = {"name": bench.stack, "volumes": {"data": None}, "sandboxes": {"db": {**db, "volumes": ["data:/data"]}}}
    (bench.folder / "nexus.yaml").write_text(json.dumps(text))
    assert f"its own volume at /data stays unmounted, as {own}; `destroy --volumes` removes it" in bench.run("plan")
    bench.run("apply", "--yes")
    assert (bench.volume(), bench.has(own)) == (f"{bench.stack}_data", True)
