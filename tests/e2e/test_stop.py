"""Whatever ends a sandbox gives it its time, and says so where that was not enough."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.labels import SANDBOX, STACK
from tests import prestarted

pytestmark = pytest.mark.engine

FLUSH = "trap 'sleep 3; echo whole > /out/end; exit 0' TERM; touch /out/begin; while :; do sleep 0.1; done"
LATE = FLUSH.replace("sleep 3", "sleep 60")
"""For one that is to be killed: however late that is, it has not ended by itself."""
READY = {"command": ["test", "-e", "/out/begin"], "interval": "1s"}


class Bench:
    """A stack whose sandbox `db` takes three seconds to end, and leaves a word in a folder of this machine then."""

    def __init__(self, folder: Path, stack: str, image: str, wire: Wire) -> None:
        self.folder, self.stack, self.image, self.wire = folder, stack, image, wire
        self.words = folder / "out" / "end"

    def db(self, **more: Any) -> dict[str, Any]:
        common = {"image": self.image, "command": FLUSH, "networks": [], "health": READY, "volumes": ["./out:/out"]}
        return common | more

    def write(self, **sandboxes: Any) -> None:
        (self.folder / "nexus.yaml").write_text(json.dumps({"name": self.stack, "sandboxes": sandboxes}))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nexusctl", *arguments]
        return prestarted.run(command, cwd=self.folder, capture_output=True, text=True, timeout=240, check=False)

    def apply(self, *arguments: str, code: int = 0) -> str:
        done = self.run("apply", "--yes", *arguments)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stderr

    def container(self, sandbox: str) -> dict[str, Any]:
        query = {"all": True, "filters": {"label": [f"{STACK}={self.stack}", f"{SANDBOX}={sandbox}"]}}
        (found,) = self.wire.get("/containers/json", query)
        inspected: dict[str, Any] = self.wire.get(f"/containers/{found['Id']}/json")
        return inspected


@pytest.fixture
def bench(tmp_path: Path, stack_name: str, base_image: str, wire: Wire) -> Iterator[Bench]:
    (tmp_path / "out").mkdir()
    made = Bench(tmp_path, stack_name, base_image, wire)
    yield made
    made.run("destroy", "--yes", "--volumes", "--stack", stack_name)


def end(bench: Bench, way: str, grace: str) -> str:
    """Let `db` end in that way; returns what is said on stderr."""
    conf = {"content": "1\n", "target": "/etc/x.conf", "on_change": "restart"}
    command = FLUSH if grace == "1m" else LATE
    db = bench.db(command=command, stop_grace_period=grace, uploads=[conf])
    side = {"image": bench.image, "command": ["sleep", "infinity"], "networks": []}
    bench.write(db=db, side=side)
    bench.apply()
    match way:
        case "destroy":
            return bench.run("destroy", "--yes").stderr
        case "remove":
            bench.write(side=side)
        case "replace":
            bench.write(db={**db, "env": {"A": "1"}, "command": ["sleep", "infinity"], "health": "none"}, side=side)
        case "preserve":
            db |= {"env": {"A": "1"}, "command": ["sleep", "infinity"], "health": "none", "on_replace": "preserve"}
            bench.write(db=db, side=side)
        case "restart":
            bench.write(db={**db, "uploads": [{**conf, "content": "2\n"}]}, side=side)
        case "rollback":
            bench.write(
                db=db,
                side={**side, "command": "exit 3", "depends_on": ["db"], "env": {"B": "1"}},
                more=bench.db(command=command, stop_grace_period=grace),
            )
            return bench.apply("--on-failure", "rollback", code=1)
    return bench.apply()


WAYS = ["destroy", "remove", "replace", "preserve", "restart", "rollback"]


@pytest.mark.parametrize("way", WAYS)
def test_a_sandbox_gets_the_time_that_it_asks_for(bench: Bench, way: str) -> None:
    said = end(bench, way, "1m")
    assert bench.words.read_text() == "whole\n"
    assert "killed" not in said


@pytest.mark.parametrize("way", WAYS)
def test_a_kill_is_told_with_the_sandbox_and_its_time(bench: Bench, way: str) -> None:
    said = end(bench, way, "1s")
    assert not bench.words.exists()
    name = "more" if way == "rollback" else "db"
    assert f"warning: {name}: it had not ended 1 s after it was asked to, and was killed" in said
    assert "help: give it longer with `stop_grace_period: 2s`" in said


def test_a_new_container_that_fails_gets_its_time_too(bench: Bench) -> None:
    bench.write(db={"image": bench.image, "command": ["sleep", "infinity"], "networks": []})
    bench.apply()
    bench.write(
        db=bench.db(
            stop_grace_period="1m", startup="until test -e /out/begin; do sleep 0.1; done; exit 4", health="none"
        )
    )
    bench.apply(code=1)
    assert bench.words.read_text() == "whole\n"


def test_a_changed_time_needs_no_new_container_and_holds_from_then_on(bench: Bench) -> None:
    bench.write(db=bench.db(stop_grace_period="1s"))
    bench.apply()
    before = bench.container("db")["Id"]
    bench.write(db=bench.db(stop_grace_period="1m"))
    bench.apply()
    assert bench.container("db")["Id"] == before
    assert bench.run("plan", "--detailed-exitcode").returncode == 0
    assert "killed" not in bench.run("destroy", "--yes").stderr
    assert bench.words.read_text() == "whole\n"


def test_docker_stop_goes_by_the_old_time_until_the_container_is_replaced_as_the_plan_says(bench: Bench) -> None:
    said = "`docker stop` by the old one until it is replaced"
    bench.write(db=bench.db(command=LATE, stop_grace_period="1s"))
    bench.apply()
    bench.write(db=bench.db(command=LATE, stop_grace_period="1m"))
    assert said in bench.run("plan").stdout
    bench.apply()
    subprocess.run(["docker", "stop", f"{bench.stack}_db"], check=True, capture_output=True)
    assert (bench.container("db")["State"]["ExitCode"], bench.words.exists()) == (137, False)
    bench.write(db=bench.db(stop_grace_period="2m", env={"A": "1"}))
    assert said not in bench.run("plan").stdout
    bench.apply()
    subprocess.run(["docker", "stop", f"{bench.stack}_db"], check=True, capture_output=True)
    assert bench.words.read_text() == "whole\n"
    # What does not run has no time to stop.
    bench.write(db=bench.db(stop_grace_period="3m", env={"A": "1"}))
    assert said not in bench.run("plan").stdout


def test_the_newest_word_of_the_file_counts_for_a_container_that_goes_with_it(bench: Bench) -> None:
    bench.write(db=bench.db(stop_grace_period="1s"))
    bench.apply()
    bench.write(db=bench.db(stop_grace_period="1m", env={"A": "1"}, health="none", command=["sleep", "infinity"]))
    assert "killed" not in bench.apply()
    assert bench.words.read_text() == "whole\n"


def test_docker_itself_knows_how_a_sandbox_stops(bench: Bench) -> None:
    bench.write(db=bench.db(stop_grace_period="1m", stop_signal="SIGTERM"))
    bench.apply()
    config = bench.container("db")["Config"]
    assert (config["StopTimeout"], config["StopSignal"]) == (60, "SIGTERM")
    subprocess.run(["docker", "stop", f"{bench.stack}_db"], check=True, capture_output=True)
    assert bench.words.read_text() == "whole\n"


def test_another_signal_is_a_new_container_and_the_image_s_own_is_kept(bench: Bench, wire: Wire) -> None:
    repository = f"nexusctl-test/{bench.stack}"
    plain = wire.post("/containers/create", {"Image": bench.image, "Cmd": ["true"]})["Id"]
    try:
        query = {"container": plain, "repo": repository, "tag": "1"}
        wire.post("/commit", {"StopSignal": "SIGINT"}, query)
        db = bench.db(image=f"{repository}:1", command=FLUSH.replace("TERM", "INT"))
        bench.write(db=db)
        bench.apply()
        assert bench.container("db")["Config"]["StopSignal"] == "SIGINT"
        bench.write(db={**db, "stop_signal": "TERM"})
        assert "killed" not in bench.apply()
        assert bench.words.read_text() == "whole\n"
        assert bench.container("db")["Config"]["StopSignal"] == "SIGTERM"
    finally:
        bench.run("destroy", "--yes")
        wire.delete(f"/containers/{plain}", {"force": True})
        wire.delete(f"/images/{repository}:1", {"force": True})


def test_an_adopted_container_keeps_its_time_and_signal(bench: Bench, wire: Wire) -> None:
    name = f"{bench.stack}-theirs"
    command = FLUSH.replace("TERM", "USR1")
    options = ["--stop-timeout", "60", "--stop-signal", "USR1", "-v", f"{bench.folder}/out:/out"]
    subprocess.run(["docker", "run", "-d", "--name", name, *options, bench.image, "sh", "-c", command], check=True)
    try:
        drafted = bench.run("import", "container", name, "--adopt", "--stack", bench.stack)
        assert drafted.returncode == 0, drafted.stdout + drafted.stderr
        text = "".join(path.read_text() for path in bench.folder.glob("*.yaml"))
        assert "stop_grace_period: 60s" in text
        assert "stop_signal: SIGUSR1" in text
        assert "killed" not in bench.run("destroy", "--yes", "--stack", bench.stack).stderr
        assert bench.words.read_text() == "whole\n"
    finally:
        subprocess.run(["docker", "rm", "-f", name], check=False, capture_output=True)
