"""What happened to sandboxes, with exit codes and who wanted it; held against what Docker says of them.

On an engine of its own: one remembers its last 256 events, which beside other tests is a matter of seconds.
"""

from __future__ import annotations

import getpass
import json
import signal
import subprocess
from typing import Any

from tests.e2e.test_lifetimes import engine_url, own_engine, pytestmark
from tests.e2e.test_run import PATIENCE, Bench, bench
from tests.gates import open_gate

__all__ = ["bench", "engine_url", "own_engine", "pytestmark"]

EATS = "perl -e '$x .= \"a\" x 1e6 while 1'"
FAILS = "until test -e /go; do sleep 0.05; done; exit 7"


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout


def test_events_tell_what_happened_in_order_and_who_wanted_it(bench: Bench) -> None:
    health = {"command": "true", "interval": "2s"}
    boxes = {"frail": bench.box(command=FAILS, restart="no"), "web": bench.box(replicas=2, health=health)}
    bench.write(**boxes, brief=bench.box(timeout="1s", on_expire="destroy"))
    # Each look at a health is three of the events that the engine remembers: somebody listens from the beginning.
    reader = bench.begin("events", "--follow", "--json")
    assert reader.stdout
    heard: list[dict[str, Any]] = []

    def hear(kind: str, name: str) -> dict[str, Any]:
        while line := reader.stdout.readline():  # type: ignore[union-attr]
            heard.append(json.loads(line))
            if (heard[-1]["event"], heard[-1]["sandbox"]) == (kind, name):
                return heard[-1]
        raise AssertionError(reader.communicate())

    def tell(*words: str) -> list[str]:
        return [line.split(" ", 1)[1] for line in bench.run("events", *words)[0].splitlines()]

    bench.run("apply", "--yes")
    me = getpass.getuser()
    assert hear("health", "web-2")["health"] == "healthy"
    made = {one["sandbox"]: one["by"].split("@")[0] for one in heard if one["event"] == "created"}
    assert made == dict.fromkeys(("brief", "frail", "web-1", "web-2"), me)
    open_gate(f"{bench.stack}_frail")
    died = hear("died", "frail")
    assert (died["exit_code"], died["by"], died["cause"]) == (7, None, None)
    assert died["container"] == docker("inspect", "--format", "{{.Id}}", f"{bench.stack}_frail").strip()
    bench.run("stop", "web-2")
    assert tell("web", "--since", "1m")[-1] == f"web-2 stopped, on purpose, by {me}"
    died, stopped = hear("died", "web-2"), hear("stopped", "web-2")
    code = int(docker("inspect", "--format", "{{.State.ExitCode}}", f"{bench.stack}_web-2"))
    assert (died["exit_code"], stopped["cause"], stopped["by"]) == (code, "purpose", me)
    bench.run("start", "web-2")
    assert hear("started", "web-2")["cause"] is None
    docker("kill", f"{bench.stack}_web-1")
    assert tell("web-[1]")[-1] == "web-1 died with exit code 137"
    assert hear("died", "web-1")["cause"] is None
    bench.run("reap")
    assert hear("removed", "brief")["cause"] == "lifetime"
    assert "did you mean `web-1`?" in bench.run("events", "wbe-1", code=1)[1]
    reader.send_signal(signal.SIGINT)
    _, said = reader.communicate(timeout=PATIENCE)
    assert (reader.returncode, said.strip()) == (130, "Interrupted.")
    # The engine tells of several at once in any order.
    for key in {one["container"] for one in heard}:
        times = [one["time"] for one in heard if one["container"] == key]
        assert times == sorted(times)


def test_what_the_kernel_kills_for_memory_is_told_with_its_exit_code(bench: Bench) -> None:
    """`whole` is killed itself; in `part` a command is, and the sandbox goes on."""
    limit = {"resources": {"memory": "32m"}, "restart": "no"}
    bench.write(
        whole=bench.box(command=f"until test -e /go; do sleep 0.05; done; exec {EATS}", **limit),
        part=bench.box(**limit),
    )
    reader = bench.begin("events", "--follow", "--json")
    assert reader.stdout
    heard: list[dict[str, Any]] = []
    try:
        bench.run("apply", "--yes")
        started = bench.run("exec", "--detach", "part", "--", "sh", "-c", f"exec {EATS}")[0].strip()
        bench.run("logs", "--execution", started, "--follow")
        open_gate(f"{bench.stack}_whole")
        while not heard or (heard[-1]["event"], heard[-1]["sandbox"]) != ("died", "whole"):
            heard.append(json.loads(reader.stdout.readline()))
    finally:
        reader.kill()
        reader.communicate()
    state = json.loads(docker("inspect", "--format", "{{json .State}}", f"{bench.stack}_whole"))
    assert (state["OOMKilled"], state["ExitCode"]) == (True, 137)
    told = {name: [one for one in heard if one["sandbox"] == name] for name in ("whole", "part")}
    # The kernel may say several times that there is none left before the one that it kills is gone.
    assert {*(one["event"] for one in told["part"])} == {"created", "started", "oom"}
    assert {*(one["event"] for one in told["whole"])} == {"created", "started", "oom", "died"}
    died = told["whole"][-1]
    assert (died["exit_code"], died["by"], died["cause"]) == (137, None, "memory")
    lines = [line.split(" ", 1)[1] for line in bench.run("events", "whole")[0].splitlines()]
    assert {"whole out of memory", "whole died with exit code 137: it had no memory left"} <= {*lines}
    (found,) = json.loads(bench.run("executions", "part", "--json")[0])["executions"]
    assert (found["state"], found["exit_code"]) == ("oom", 137)
    # One that somebody kills has the same exit code.
    docker("kill", f"{bench.stack}_part")
    assert "part died with exit code 137" in {
        line.split(" ", 1)[1] for line in bench.run("events", "part")[0].splitlines()
    }
