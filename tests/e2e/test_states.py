"""Sandboxes that are to be stopped or paused, by their file and by the verbs; what Docker says of them is the truth."""

from __future__ import annotations

import getpass
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import prestarted

pytestmark = pytest.mark.engine

WAIT = (
    "trap 'echo over >> /out/order-NAME; date +%s%N > /out/ended-NAME; exit 0' TERM; touch /out/ready-NAME; "
    "while :; do sleep 0.1; done"
)


class Bench:
    """A stack of `db`, `api` and `web`, each of which depends on the one before, in a folder of its own."""

    def __init__(self, folder: Path, stack: str, image: str) -> None:
        self.folder, self.stack, self.image = folder, stack, image
        self.sandboxes: dict[str, dict[str, Any]] = {
            "db": self.box(),
            "api": self.box(depends_on=["db"], restart="unless-stopped", metadata={"tier": "back"}),
            "web": self.box(depends_on=["api"]),
        }

    def box(self, **more: Any) -> dict[str, Any]:
        return {"image": self.image, "command": ["sleep", "infinity"], "networks": [], **more}

    def write(self) -> None:
        (self.folder / "nexus.yaml").write_text(json.dumps({"name": self.stack, "sandboxes": self.sandboxes}))

    def run(self, *arguments: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "nexusctl", *arguments]
        done = prestarted.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def plan(self) -> dict[str, Any]:
        command = [sys.executable, "-m", "nexusctl", "plan", "--json"]
        done = prestarted.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300, check=True)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def actions(self) -> list[tuple[str, str, str]]:
        return [(change["action"], change["name"], change["cause"]) for change in self.plan()["changes"]]

    def docker(self, *words: str) -> str:
        return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout.strip()

    def state(self, sandbox: str) -> str:
        return self.docker("inspect", "-f", "{{.State.Status}}", f"{self.stack}_{sandbox}")

    def states(self) -> list[str]:
        return [self.state(name) for name in self.sandboxes]

    def ids(self) -> dict[str, str]:
        return {name: self.docker("inspect", "-f", "{{.Id}}", f"{self.stack}_{name}") for name in self.sandboxes}

    def await_trap(self, sandbox: str) -> None:
        """Until its program, which makes a file /ready then, does with signals what it says; once for each start."""
        wait = "until rm /ready 2>/dev/null; do sleep 0.1; done"
        self.docker("exec", f"{self.stack}_{sandbox}", "sh", "-c", wait)

    def marks(self) -> list[str]:
        query = ["--filter", f"label=dev.nexusctl.stack={self.stack}", "--filter", "label=dev.nexusctl.role=hold"]
        return self.docker("volume", "ls", "-q", *query).split()


@pytest.fixture
def bench(tmp_path: Path, stack_name: str, base_image: str) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, base_image)
    made.write()
    yield made
    prestarted.run(
        [sys.executable, "-m", "nexusctl", "destroy", "--yes", "--volumes", "--stack", stack_name],
        cwd=tmp_path, check=False, capture_output=True,
    )  # fmt: skip
    assert made.docker("volume", "ls", "-q", "--filter", f"label=dev.nexusctl.stack={stack_name}") == ""


def test_the_file_stops_and_pauses_in_place_and_the_plan_is_empty_then(bench: Bench) -> None:
    bench.run("apply", "--yes")
    before = bench.ids()
    for states in (
        ("running", "paused", "stopped"),
        ("stopped",) * 3,
        ("paused", "paused", "stopped"),
        ("running",) * 3,
    ):
        for name, state in zip(bench.sandboxes, states, strict=True):
            bench.sandboxes[name]["state"] = state
        if states[1] == "paused":
            bench.sandboxes["web"].pop("depends_on", None)
        bench.write()
        bench.run("apply", "--yes")
        assert bench.states() == [{"stopped": "exited"}.get(state, state) for state in states]
        assert bench.ids() == before
        assert bench.plan()["empty"]
        assert bench.run("drift").startswith("No drift")
    assert bench.marks() == []


def test_one_that_is_made_stopped_has_never_run_and_starts_with_its_startup_script(bench: Bench) -> None:
    for box in bench.sandboxes.values():
        box |= {
            "state": "stopped",
            "startup": "echo once >> /tmp/startup",
            "uploads": [{"content": "x", "target": "/x"}],
        }
    bench.write()
    bench.run("apply", "--yes")
    assert bench.states() == ["created"] * 3
    assert bench.plan()["empty"]
    before = bench.ids()
    for box in bench.sandboxes.values():
        box["state"] = "running"
    bench.write()
    bench.run("apply", "--yes")
    assert (bench.states(), bench.ids()) == (["running"] * 3, before)
    for name in bench.sandboxes:
        assert bench.docker("exec", f"{bench.stack}_{name}", "cat", "/tmp/startup", "/x") == "once\nx"
    bench.run("restart", "--all")
    assert bench.docker("exec", f"{bench.stack}_db", "cat", "/tmp/startup") == "once"


def test_the_verb_starts_one_that_was_made_stopped_with_its_startup_script(bench: Bench) -> None:
    bench.sandboxes = {"db": bench.box(state="stopped", startup="echo once >> /tmp/startup")}
    bench.write()
    bench.run("apply", "--yes")
    said = bench.run("start", "db")
    assert "the stack file says `state: stopped`" in said
    assert bench.docker("exec", f"{bench.stack}_db", "cat", "/tmp/startup") == "once"
    assert bench.actions() == [("stop", "db", "drifted")]


def test_a_replacement_of_a_stopped_one_is_stopped(bench: Bench) -> None:
    bench.sandboxes = {"db": bench.box(state="stopped"), "api": bench.box(state="paused")}
    bench.write()
    bench.run("apply", "--yes")
    before = bench.ids()
    for box in bench.sandboxes.values():
        box["env"] = {"A": "1"}
    bench.write()
    bench.run("apply", "--yes")
    assert bench.states() == ["created", "paused"]
    assert not set(bench.ids().values()) & set(before.values())
    assert bench.plan()["empty"]


def test_files_change_in_what_is_at_rest_and_stays_so(bench: Bench) -> None:
    one = {"content": "1", "target": "/etc/one", "on_change": "restart"}
    two = {"content": "2", "target": "/srv/two"}
    bench.sandboxes = {
        "db": bench.box(state="stopped", uploads=[one, two]),
        "api": bench.box(state="paused", uploads=[one, two]),
    }
    bench.write()
    bench.run("apply", "--yes")
    bench.sandboxes["db"]["uploads"] = bench.sandboxes["api"]["uploads"] = [{**one, "content": "9"}]
    bench.write()
    bench.run("apply", "--yes")
    assert bench.states() == ["exited", "paused"]
    assert bench.plan()["empty"]
    for name in bench.sandboxes:
        assert bench.docker("cp", f"{bench.stack}_{name}:/etc/one", "-")[512:513] == "9"
        found = subprocess.run(
            ["docker", "cp", f"{bench.stack}_{name}:/srv/two", "-"], capture_output=True, check=False
        )
        assert found.returncode != 0


def test_what_somebody_starts_or_stops_by_hand_is_drift_from_the_state_in_the_file(bench: Bench) -> None:
    bench.sandboxes = {"db": bench.box(state="stopped"), "api": bench.box(state="paused")}
    bench.write()
    bench.run("apply", "--yes")
    bench.docker("start", f"{bench.stack}_db")
    bench.docker("unpause", f"{bench.stack}_api")
    assert bench.actions() == [("pause", "api", "drifted"), ("stop", "db", "drifted")]
    assert "it is running" in bench.run("drift", code=2)
    bench.run("apply", "--yes")
    assert bench.states() == ["exited", "paused"]
    assert bench.plan()["empty"]


def test_what_was_stopped_on_purpose_stays_so_until_somebody_starts_it(bench: Bench) -> None:
    bench.run("apply", "--yes")
    bench.run("stop", "api")
    assert bench.states() == ["running", "exited", "running"]
    found = bench.plan()
    assert (found["empty"], [(h["name"], h["state"]) for h in found["held"]]) == (True, [("api", "stopped")])
    assert "stopped on purpose by" in bench.run("plan")
    assert "stopped by" in bench.run("status")
    bench.run("apply", "--yes")
    assert bench.states() == ["running", "exited", "running"]
    bench.sandboxes["api"]["env"] = {"A": "1"}
    bench.write()
    assert "what the file says anew of it waits" in bench.run("apply", "--yes")
    assert bench.states() == ["running", "exited", "running"]
    bench.run("apply", "--yes", "--start-stopped")
    assert bench.states() == ["running"] * 3
    assert bench.docker("exec", f"{bench.stack}_api", "printenv", "A") == "1"
    assert (bench.plan()["empty"], bench.marks()) == (True, [])


def test_who_waits_for_what_was_stopped_on_purpose_is_left_out_and_told(bench: Bench) -> None:
    bench.run("apply", "--yes")
    bench.run("stop", "db")
    bench.sandboxes["web"]["env"] = bench.sandboxes["late"] = bench.box(depends_on=["db"])
    bench.sandboxes["web"]["env"] = {"A": "1"}
    bench.sandboxes["free"] = bench.box()
    bench.write()
    said = bench.run("apply", "--yes")
    assert "late" in said
    assert "it depends on db, which" in said
    assert bench.state("free") == "running"
    assert bench.docker("ps", "-aq", "--filter", f"name={bench.stack}_late") == ""
    bench.run("start", "db")
    bench.run("apply", "--yes")
    assert bench.states() == ["running"] * 5


def test_verbs_take_globs_metadata_and_all_and_need_no_file(bench: Bench) -> None:
    bench.run("apply", "--yes")
    (bench.folder / "nexus.yaml").unlink()
    stack = ("--stack", bench.stack)
    bench.run("stop", "--metadata", "tier=back", *stack)
    assert bench.states() == ["running", "exited", "running"]
    bench.run("start", "a*", *stack)
    assert bench.states() == ["running"] * 3
    bench.run("pause", "--all", *stack)
    assert bench.states() == ["paused"] * 3
    bench.run("resume", "w*", *stack)
    assert bench.states() == ["paused", "paused", "running"]
    bench.run("start", "--all", *stack)
    assert bench.states() == ["running"] * 3
    bench.run("kill", "w?b", *stack)
    assert bench.states() == ["running", "running", "exited"]
    assert bench.docker("inspect", "-f", "{{.State.ExitCode}}", f"{bench.stack}_web") == "137"
    bench.run("restart", "--all", *stack)
    assert (bench.states(), bench.marks()) == (["running"] * 3, [])


def test_they_end_in_the_order_of_what_depends_on_what_and_start_in_the_other(bench: Bench) -> None:
    (bench.folder / "out").mkdir()
    for name, box in bench.sandboxes.items():
        begin = f"date +%s%N > /out/begun-{name}; {WAIT.replace('NAME', name)}"
        box |= {"command": begin, "volumes": ["./out:/out"]}
    bench.write()

    def await_traps() -> None:
        for name in bench.sandboxes:
            while not (mark := bench.folder / "out" / f"ready-{name}").exists():
                time.sleep(0.05)
            mark.unlink()

    bench.run("apply", "--yes")
    await_traps()
    bench.run("restart", "--all")
    await_traps()

    def read(word: str) -> list[int]:
        return [int((bench.folder / "out" / f"{word}-{name}").read_text()) for name in bench.sandboxes]

    ended, begun = read("ended"), read("begun")
    assert ended == sorted(ended, reverse=True)
    assert begun == sorted(begun)
    assert max(ended) < min(begun)


def test_a_start_brings_what_it_depends_on(bench: Bench) -> None:
    bench.sandboxes["side"] = bench.box(depends_on=["api"])
    bench.write()
    bench.run("apply", "--yes")
    bench.run("stop", "--all")
    assert "side, web depend on it" in bench.run("start", "web", "side")
    bench.run("stop", "--all")
    assert "web depends on it" in bench.run("start", "web")
    assert bench.states() == [*["running"] * 3, "exited"]


def test_what_cannot_be_done_is_told_before_anything_is(bench: Bench) -> None:
    bench.sandboxes["job"] = bench.box(kind="task", command=["true"])
    bench.write()
    bench.run("apply", "--yes")
    bench.run("stop", "db")
    assert "did you mean `api`?" in bench.run("stop", "web", "apl", code=1)
    assert "db has exited, and there is nothing to pause" in bench.run("pause", "db", "web", code=1)
    assert "db has exited, and there is nothing to kill" in bench.run("kill", "db", code=1)
    assert "`nexusctl apply --replace job` runs it once more" in bench.run("start", "job", code=1)
    assert "`nexusctl apply --replace job` runs it once more" in bench.run("exec", "job", "true", code=1)
    assert "no live sandbox of stack" in bench.run("stop", "--metadata", "tier=none", code=1)
    assert "name the sandboxes to stop" in bench.run("stop", code=2)
    assert bench.state("web") == "running"


def test_whoever_needs_one_that_runs_is_told_what_brings_it_back(bench: Bench) -> None:
    bench.run("apply", "--yes")
    me = getpass.getuser()
    bench.run("stop", "db")
    for words in (["exec", "db", "true"], ["shell", "db"], ["top", "db"]):
        said = bench.run(*words, code=1)
        assert said.splitlines() == [f"error: sandbox db is stopped by {me}", "help: `nexusctl start db` starts it"]
    bench.run("start", "db")
    assert bench.run("exec", "db", "echo", "there").strip() == "there"
    bench.run("pause", "api")
    assert "`nexusctl resume api` lets it go on" in bench.run("exec", "api", "true", code=1)
    bench.docker("kill", f"{bench.stack}_web")
    assert "`nexusctl start web` starts it" in bench.run("exec", "web", "true", code=1)


def test_what_somebody_has_stopped_has_not_ended_as_a_task_does(bench: Bench) -> None:
    ends = "trap 'exit 0' TERM; touch /ready; while :; do sleep 0.1; done"
    bench.sandboxes = {"db": bench.box(command=["sh", "-c", ends])}
    bench.write()
    bench.run("apply", "--yes")
    bench.await_trap("db")
    bench.run("stop", "db")
    assert "kind: task" not in bench.run("apply", "--yes", "--start-stopped")
    bench.await_trap("db")
    bench.docker("stop", f"{bench.stack}_db")
    assert "kind: task" in bench.run("plan")


def test_a_word_on_what_runs_again_goes_with_the_next_apply(bench: Bench) -> None:
    bench.run("apply", "--yes")
    bench.run("stop", "api")
    bench.docker("start", f"{bench.stack}_api")
    assert "which runs again" in bench.run("apply", "--yes")
    assert (bench.plan()["empty"], bench.marks()) == (True, [])


def test_another_signal_reaches_the_main_process_and_changes_nothing_else(bench: Bench) -> None:
    script = "trap 'touch /tmp/heard' HUP; touch /ready; while :; do sleep 0.1; done"
    bench.sandboxes = {"db": bench.box(command=["sh", "-c", script])}
    bench.write()
    bench.run("apply", "--yes")
    assert "did you mean `HUP`?" in bench.run("kill", "-s", "hupp", "db", code=1)
    bench.await_trap("db")
    bench.run("kill", "-s", "hup", "db")
    assert (
        bench.docker("exec", f"{bench.stack}_db", "sh", "-c", "until ls /tmp/heard 2>/dev/null; do sleep 0.1; done")
        == "/tmp/heard"
    )
    assert (bench.state("db"), bench.marks(), bench.plan()["empty"]) == ("running", [], True)


def test_one_is_made_anew_where_somebody_asks_for_it(bench: Bench) -> None:
    bench.run("apply", "--yes")
    before = bench.ids()
    assert "somebody asked for it" in bench.run("plan", "--replace", "api")
    bench.run("apply", "--yes", "--replace", "a*")
    after = bench.ids()
    assert [name for name in before if before[name] != after[name]] == ["api"]
    assert "did you mean `api`?" in bench.run("apply", "--yes", "--replace", "apl", code=1)
    bench.run("plan", "--replace", "web", "--out", "saved")
    bench.run("apply", "saved")
    assert bench.ids()["web"] != after["web"]
    assert bench.plan()["empty"]
