"""Fields that a container has from its birth on: what the engine and the sandbox say of them, each way they come."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nexusctl.engine.docker.client.client import Wire
from tests import prestarted
from tests.clean_up import kill_containers

pytestmark = pytest.mark.engine


class FieldCase:
    """One field: a value and another, what `docker inspect` says of the first, and what the sandbox itself says.

    `options` are those of `docker run` that ask for the value, `forget` takes it out of a body for the engine.
    `plain` is what an import writes, where that is not the value.
    """

    def __init__(
        self, *, value: Any, other: Any, place: str, seen: Any, inside: tuple[str, str], options: list[str],
        forget: Callable[[dict[str, Any]], Any], plain: Any = None,
    ) -> None:  # fmt: skip
        self.value, self.other, self.place, self.seen, self.inside = value, other, place, seen, inside
        self.options, self.forget, self.plain = options, forget, value if plain is None else plain


BE_ASKED = """
$s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 53, Proto => "udp") or die $!;
if (!($pid = fork)) { close STDOUT; exec "getent", "hosts", "asked.example" }
alarm 60; $s->recv($question, 512); kill 9, $pid; print $question =~ /asked/ ? "asked" : "other";
"""
"""A DNS server for one question, which the sandbox asks itself."""

CASES = {
    "hostname": FieldCase(
        value="web.example",
        other="web",
        place="Config.Hostname",
        seen="web.example",
        inside=("hostname", "web.example"),
        options=["--hostname", "web.example"],
        forget=lambda body: body.update(Hostname="other"),
    ),
    "read_only": FieldCase(
        value=True,
        other=False,
        place="HostConfig.ReadonlyRootfs",
        seen=True,
        inside=("touch /x 2>&1 | grep -o 'Read-only file system'", "Read-only file system"),
        options=["--read-only"],
        forget=lambda body: body["HostConfig"].update(ReadonlyRootfs=False),
    ),
    "shm_size": FieldCase(
        value="96m",
        other="1g",
        place="HostConfig.ShmSize",
        seen=96 * 1024 * 1024,
        inside=("df -k --output=size /dev/shm | tail -1", f"{96 * 1024}"),
        options=["--shm-size", "96m"],
        forget=lambda body: body["HostConfig"].pop("ShmSize"),
    ),
    "ulimits": FieldCase(
        value={"core": 0, "nofile": {"soft": 900, "hard": 1000}},
        other={"nofile": 900},
        place="HostConfig.Ulimits",
        seen=[{"Name": "core", "Soft": 0, "Hard": 0}, {"Name": "nofile", "Soft": 900, "Hard": 1000}],
        # Of the main process: at times runc gives an exec its hard limit for the soft one, opencontainers/runc#4195.
        inside=("awk '/ core /{print $5} / open /{print $4; print $5}' /proc/1/limits", "0\n900\n1000"),
        options=["--ulimit", "nofile=900:1000", "--ulimit", "core=0"],
        forget=lambda body: body["HostConfig"]["Ulimits"].pop(),
    ),
    "extra_hosts": FieldCase(
        value={"web": "2001:db8::1", "db": ["192.0.2.1", "192.0.2.2"]},
        other=["db:192.0.2.1"],
        place="HostConfig.ExtraHosts",
        seen=["db:192.0.2.1", "db:192.0.2.2", "web:2001:db8::1"],
        inside=("grep -E 'web$|db$' /etc/hosts | tr '\t' ' '", "192.0.2.1 db\n192.0.2.2 db\n2001:db8::1 web"),
        options=["--add-host", "db:192.0.2.1"],
        forget=lambda body: body["HostConfig"]["ExtraHosts"].append("bank:192.0.2.9"),
        plain=["db:192.0.2.1"],
    ),
    "dns": FieldCase(
        value=["127.0.0.1", "192.0.2.53"],
        other="192.0.2.53",
        place="HostConfig.Dns",
        seen=["127.0.0.1", "192.0.2.53"],
        inside=(f"perl -MIO::Socket::INET -e '{BE_ASKED}'", "asked"),
        options=["--dns", "127.0.0.1", "--dns", "192.0.2.53"],
        forget=lambda body: body["HostConfig"]["Dns"].reverse(),
    ),
    "tmpfs": FieldCase(
        value=["/fast:mode=1770,size=2m", "/run"],
        other="/fast",
        place="HostConfig.Tmpfs",
        seen={"/fast": "mode=1770,size=2m", "/run": ""},
        inside=("stat -c '%a' /fast; df -k --output=fstype,size /fast | tail -1 | tr -s ' '", "1770\ntmpfs 2048"),
        options=["--tmpfs", "/run", "--tmpfs", "/fast:size=2m,mode=1770"],
        forget=lambda body: body["HostConfig"]["Tmpfs"].update({"/fast": "mode=1770"}),
    ),
}


class Bench:
    def __init__(self, folder: Path, stack: str, image: str, wire: Wire) -> None:
        self.folder, self.stack, self.image, self.wire = folder, stack, image, wire
        self.name = f"{stack}_box"

    def write(self, **said: Any) -> None:
        self.write_all({"box": said})

    def write_all(self, boxes: dict[str, dict[str, Any]]) -> None:
        common = {"image": self.image, "command": ["sleep", "infinity"]}
        sandboxes = {
            # Names are looked up on a network; whatever else a field means it means without one.
            name: common | ({} if {name, *map(box_of, said)} & NAMING else {"networks": []}) | said
            for name, said in boxes.items()
        }
        (self.folder / "nexus.yaml").write_text(json.dumps({"name": self.stack, "sandboxes": sandboxes}))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nexusctl", *arguments]
        return prestarted.run(command, cwd=self.folder, capture_output=True, text=True, timeout=240, check=False)

    def apply(self) -> None:
        done = self.run("apply", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr

    def plan(self) -> list[dict[str, Any]]:
        done = self.run("plan", "--json")
        assert done.returncode == 0, done.stderr
        changes: list[dict[str, Any]] = json.loads(done.stdout)["changes"]
        return [change for change in changes if change["action"] != "none"]

    def look(self, box: str = "box") -> dict[str, Any]:
        seen: dict[str, Any] = json.loads(docker("inspect", f"{self.stack}_{box}"))[0]
        return seen

    def look_at_all(self) -> dict[str, Any]:
        """What the engine says of each case's field, in the sandbox that is called as it."""
        found = {}
        for field, case in CASES.items():
            section, _, key = case.place.partition(".")
            found[field] = self.look(box_of(field))[section][key]
        return found

    def remake(self, change: Callable[[dict[str, Any]], Any], box: str = "box") -> None:
        """The container anew with all its labels, but as `change` makes it."""
        made, name = self.look(box), f"{self.stack}_{box}"
        body = {**made["Config"], "HostConfig": made["HostConfig"]}
        joined = {
            key: {"Aliases": [alias for alias in seen["Aliases"] or () if not made["Id"].startswith(alias)]}
            for key, seen in made["NetworkSettings"]["Networks"].items()
        }
        body["NetworkingConfig"] = {"EndpointsConfig": joined}
        change(body)
        self.wire.delete(f"/containers/{name}", {"force": True})
        self.wire.post("/containers/create", body, {"name": name})
        self.wire.post(f"/containers/{name}/start")


NAMING = {"hostname", "extra-hosts", "dns"}
"""Fields, and the sandboxes that are called as they are."""


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def bench(tmp_path: Path, stack_name: str, base_image: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, base_image, wire)
    yield made
    kill_containers(wire, stack_name)
    made.run("destroy", "--yes", "--volumes", "--stack", stack_name, "--ignore-missing")


def box_of(field: str) -> str:
    return field.replace("_", "-")


def boxes_with(values: dict[str, Any], **more: Any) -> dict[str, dict[str, Any]]:
    """A sandbox for each field, with `values`."""
    return {box_of(field): {field: value, **more} for field, value in values.items()}


VALUES = {field: case.value for field, case in CASES.items()}
OTHERS = {field: case.other for field, case in CASES.items()}
SEEN = {field: case.seen for field, case in CASES.items()}


def test_a_container_has_each_field_and_a_change_replaces_it(bench: Bench) -> None:
    bench.write_all(boxes_with(VALUES))
    bench.apply()
    assert bench.look_at_all() == SEEN
    ids = {field: bench.look(box_of(field))["Id"][:12] for field in CASES}
    inside = {
        field: docker("exec", f"{bench.stack}_{box_of(field)}", "sh", "-c", case.inside[0]).strip()
        for field, case in CASES.items()
    }
    assert inside == {field: case.inside[1] for field, case in CASES.items()}
    assert bench.plan() == []
    assert bench.run("drift").returncode == 0
    for boxes in (boxes_with(OTHERS), {box_of(field): {} for field in CASES}):
        bench.write_all(boxes)
        changes = {
            change["name"]: (change["action"], {path["field"].partition(".")[0] for path in change["differences"]})
            for change in bench.plan()
        }
        assert changes == {box_of(field): ("replace", {field}) for field in CASES}
    bench.write_all({box: {**said, "lifecycle": {"ignore": list(said)}} for box, said in boxes_with(OTHERS).items()})
    assert all(change["action"] != "replace" for change in bench.plan())
    bench.write_all(boxes_with(OTHERS))
    bench.apply()
    assert {field: now for field, now in bench.look_at_all().items() if now in (SEEN[field], ids[field])} == {}


def test_one_that_cannot_be_written_has_its_secrets_its_volumes_and_its_startup(bench: Bench) -> None:
    (bench.folder / "pin").write_text("4711")
    box = {"image": bench.image, "command": ["sleep", "infinity"], "read_only": True, "tmpfs": ["/run", "/tmp"]}
    box |= {"secrets": ["pin"], "volumes": ["data:/data"], "startup": "cat /run/secrets/pin > /data/seen"}
    stack = {"name": bench.stack, "volumes": {"data": None}, "secrets": {"pin": {"file": "./pin"}}}
    (bench.folder / "nexus.yaml").write_text(json.dumps({**stack, "sandboxes": {"box": box}}))
    bench.apply()
    assert docker("exec", bench.name, "cat", "/data/seen") == "4711"
    assert bench.run("drift").returncode == 0
    (bench.folder / "pin").write_text("4712")
    bench.apply()
    assert docker("exec", bench.name, "cat", "/run/secrets/pin") == "4712"


@pytest.mark.parametrize("hostname", ["db", "DB.example", "store"])
def test_a_host_name_that_hides_another_sandbox_is_refused_where_they_share_a_network(
    bench: Bench, hostname: str
) -> None:
    command = ["sleep", "infinity"]
    box = {"image": bench.image, "command": command, "hostname": hostname, "depends_on": ["db"]}
    store = {"image": bench.image, "command": command, "networks": {"default": {"aliases": ["store"]}}}

    def write(**more: Any) -> None:
        stack = {"name": bench.stack, "networks": {"far": None}, "sandboxes": {"box": {**box, **more}, "db": store}}
        (bench.folder / "nexus.yaml").write_text(json.dumps(stack))

    write()
    hidden = hostname.lower().partition(".")[0]
    # The engine's own word on it: with such a host name the sandbox reaches itself.
    own = docker("run", "--rm", "--hostname", hostname, bench.image, "cat", "/etc/hosts").splitlines()[-1]
    assert hidden in own.lower().split()[1:]
    done = bench.run("plan")
    assert done.returncode == 1
    assert f"`box` would find itself as `{hidden}`, which is how it finds `db`" in done.stderr
    write(networks=["far"])
    done = bench.run("plan")
    assert done.returncode == 0, done.stderr


def test_a_sandbox_may_have_its_own_name_as_its_host_name(bench: Bench) -> None:
    bench.write(hostname="box", replicas=2)
    done = bench.run("plan")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("more", [{"uploads": [{"content": "x", "target": "/x"}]}, {"on_replace": "preserve"}])
def test_what_an_engine_could_not_write_is_refused_by_the_file(bench: Bench, more: dict[str, Any]) -> None:
    bench.write(read_only=True, **more)
    done = bench.run("plan")
    assert done.returncode == 1
    (key,) = more
    assert f"`{key}` cannot write into a sandbox that is `read_only`" in done.stderr


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"uploads": [{"content": "x", "target": "/fast/x"}]}, "nothing can be uploaded to `/fast/x`"),
        ({"volumes": ["/fast"]}, "a volume is mounted at `/fast` already"),
        ({"tmpfs": ["/fast", "/fast/"]}, "another one is mounted at `/fast` already"),
        ({"tmpfs": ["/fast", "/run/secrets"]}, "the folder of secrets is mounted at `/run/secrets` already"),
        ({"tmpfs": ["/fast:suid"]}, "write a folder with options such as"),
        ({"tmpfs": "/"}, "write a folder with options such as"),
        ({"ulimits": {"nofiles": 9}}, "there is no limit called `nofiles`"),
        ({"ulimits": {"nofile": {"soft": 9, "hard": 8}}}, "the soft limit of `nofile` is above its hard one"),
        ({"ulimits": {"nofile": {"soft": 9}}}, "`hard`"),
        ({"ulimits": {"nofile": "many"}}, "write a number"),
        ({"extra_hosts": ["db:here"]}, "`here` is no address for `db`"),
        ({"extra_hosts": {"db": "192.0.2.256"}}, "`192.0.2.256` is no address for `db`"),
        ({"extra_hosts": ["192.0.2.1"]}, "write a name and its address"),
        ({"dns": ["dns.example"]}, "`dns.example` is no address of a DNS server"),
        ({"shm_size": "512k"}, "`shm_size: 512k` is too little"),
        ({"shm_size": "much"}, "write a size such as `128m`"),
    ],
)
def test_a_value_that_no_container_could_have_is_refused_by_the_file(
    bench: Bench, more: dict[str, Any], said: str
) -> None:
    bench.write(**{"tmpfs": ["/fast"], **more})
    done = bench.run("plan")
    assert done.returncode == 1
    assert said in done.stderr


def test_what_somebody_has_changed_of_each_is_seen_and_put_right(bench: Bench) -> None:
    bench.write_all(boxes_with(VALUES))
    bench.apply()
    for field, case in CASES.items():
        bench.remake(case.forget, box_of(field))
    done = bench.run("drift", "--json")
    assert done.returncode == 2, done.stdout + done.stderr
    drifted = {
        found["name"]: {path["field"].partition(".")[0] for path in found["differences"]}
        for found in json.loads(done.stdout)["changes"]
    }
    assert drifted == {box_of(field): {field} for field in CASES}
    done = bench.run("apply", "--yes", "--deep")
    assert done.returncode == 0, done.stderr
    assert bench.look_at_all() == SEEN
    assert bench.run("drift").returncode == 0


@pytest.mark.parametrize(
    ("said", "change"),
    [
        ({"cap_drop": ["KILL"]}, lambda host: host.update(CapDrop=[n for n in host["CapDrop"] if "KILL" not in n])),
        ({"cap_drop": ["ALL"], "cap_add": ["MKNOD"]}, lambda host: host.update(CapDrop=[])),
        ({"cap_add": ["NET_RAW"]}, lambda host: host.update(CapDrop=[*host["CapDrop"], "NET_RAW"])),
        ({"cap_add": ["SYS_NICE"]}, lambda host: host.update(CapAdd=[])),
    ],
)
def test_capabilities_that_somebody_has_changed_are_seen_and_put_right(
    bench: Bench, said: dict[str, Any], change: Callable[[dict[str, Any]], Any]
) -> None:
    def powers() -> str:
        return docker("exec", bench.name, "grep", "CapBnd", "/proc/1/status")

    bench.write(**said)
    bench.apply()
    before = powers()
    assert bench.run("drift").returncode == 0
    bench.remake(lambda body: change(body["HostConfig"]))
    assert powers() != before
    done = bench.run("drift")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "cap_" in done.stdout
    done = bench.run("apply", "--yes", "--deep")
    assert done.returncode == 0, done.stderr
    assert powers() == before
    assert bench.run("drift").returncode == 0


def test_a_capability_both_added_and_dropped_is_dropped_and_no_drift(bench: Bench) -> None:
    bench.write(cap_add=["NET_RAW"], cap_drop=["NET_RAW"])
    bench.apply()
    assert bench.run("drift").returncode == 0


@pytest.mark.parametrize("field", CASES)
def test_it_is_imported_from_a_container_and_that_one_is_taken_over_as_it_is(bench: Bench, field: str) -> None:
    case = CASES[field]
    docker("run", "-d", "--name", f"{bench.name}-it", *case.options, bench.image, "sleep", "infinity")
    try:
        done = bench.run("import", "container", f"{bench.name}-it", "--stack", bench.stack, "--adopt")
        assert done.returncode == 0, done.stderr
        ((name, sandbox),) = yaml.safe_load((bench.folder / "nexus.yaml").read_text())["sandboxes"].items()
        assert sandbox[field] == case.plain
        assert case.place.rpartition(".")[2] not in done.stderr
        assert bench.plan() == []
        assert bench.run("drift").returncode == 0
        # Where the file does not say it, the container is another one.
        del sandbox[field]
        sandbox["networks"] = []
        (bench.folder / "nexus.yaml").write_text(json.dumps({"name": bench.stack, "sandboxes": {name: sandbox}}))
        assert any(
            difference["field"].partition(".")[0] == field
            for change in bench.plan()
            for difference in change["differences"]
        )
    finally:
        docker("rm", "-f", f"{bench.name}-it")


def test_an_option_of_a_tmpfs_that_no_file_can_say_is_listed(bench: Bench) -> None:
    docker("run", "-d", "--name", f"{bench.name}-it", "--tmpfs", "/fast:suid,exec", bench.image, "sleep", "infinity")
    try:
        done = bench.run("import", "container", f"{bench.name}-it", "--stack", bench.stack)
        assert done.returncode == 0, done.stderr
        (sandbox,) = yaml.safe_load((bench.folder / "nexus.yaml").read_text())["sandboxes"].values()
        assert sandbox["tmpfs"] == ["/fast:exec"]
        assert "tmpfs /fast: the option suid has no place in a stack file" in done.stderr
    finally:
        docker("rm", "-f", f"{bench.name}-it")


def test_each_is_imported_from_compose(bench: Bench) -> None:
    services = {box: {"image": "x", **said} for box, said in boxes_with(VALUES).items()}
    (bench.folder / "compose.yaml").write_text(json.dumps({"name": bench.stack, "services": services}))
    done = bench.run("import", "compose", "compose.yaml")
    assert done.returncode == 0, done.stderr
    assert len((done.stdout + done.stderr).splitlines()) == 1
    document = yaml.safe_load((bench.folder / "nexus.yaml").read_text())
    assert document["sandboxes"] == services
